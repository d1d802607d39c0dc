// Where every request comes in and every one ends: routes as Ollama routes, and one last line for
// whatever happened to it.

import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  answeredByFault,
  behaviourFor,
  brokenOff,
  type Call,
  type Ended,
  type StandInParts,
  type WorkCall,
} from './call.ts'
import { FaultSyntaxError } from './faults.ts'
import { EMBED_ROUTE, EMBEDDINGS_ROUTE, handleEmbedding } from './handle-embedding.ts'
import { CHAT_ROUTE, GENERATE_ROUTE, handleGeneration } from './handle-generation.ts'
import { handlePs, handleShow, handleTags, VERSION } from './handle-models.ts'
import { sendJson, sendText } from './http-answers.ts'
import { Refusal } from './refusal.ts'

type Read = (call: Call, parts: StandInParts) => void | Promise<void>
type Work = (call: WorkCall, parts: StandInParts) => Promise<Ended>

/** What can be asked without work for the model; `allow` is the header for other methods. */
const READS: Readonly<Record<string, { readonly allow: string; readonly read: Read }>> = {
  '/': {
    allow: 'HEAD, GET',
    read: ({ res }) => sendText(res, 200, 'text/plain; charset=utf-8', 'Ollama is running'),
  },
  '/api/version': {
    allow: 'HEAD, GET',
    read: ({ res }) => sendJson(res, 200, { version: VERSION }),
  },
  '/api/tags': { allow: 'HEAD, GET', read: handleTags },
  '/api/ps': { allow: 'GET', read: handlePs },
  '/api/show': { allow: 'POST', read: handleShow },
}

const WORKS: Readonly<Record<string, Work>> = {
  '/api/chat': (call, parts) => handleGeneration(call, parts, CHAT_ROUTE),
  '/api/generate': (call, parts) => handleGeneration(call, parts, GENERATE_ROUTE),
  '/api/embed': (call, parts) => handleEmbedding(call, parts, EMBED_ROUTE),
  '/api/embeddings': (call, parts) => handleEmbedding(call, parts, EMBEDDINGS_ROUTE),
}

/** Answers one request of Ollama's API; rejects only for a bug of the stand-in itself. */
export async function handleRequest(
  req: IncomingMessage,
  res: ServerResponse,
  parts: StandInParts,
): Promise<void> {
  const [path = '/'] = (req.url ?? '/').split('?', 1)
  const read = READS[path]
  const work = WORKS[path]
  const allow = read?.allow ?? 'POST'
  parts.log.count(read === undefined && work === undefined ? 'other' : path)
  if (read === undefined && work === undefined) {
    return sendText(res, 404, 'text/plain', '404 page not found')
  }
  if (!allow.split(', ').includes(req.method ?? '')) {
    res.setHeader('allow', allow)
    return sendText(res, 405, 'text/plain', '405 method not allowed')
  }
  const signal = goneSignal(res)
  if (read !== undefined) {
    await doRead({ req, res, path, signal, record: undefined }, parts, read.read)
  } else if (work !== undefined) {
    await doWork(
      { req, res, path, signal, record: parts.log.open(path, req.rawHeaders) },
      parts,
      work,
    )
  }
}

async function doRead(call: Call, parts: StandInParts, read: Read): Promise<void> {
  try {
    await parts.gate.passed(call.signal)
    const behaviour = behaviourFor(call, parts)
    if (answeredByFault(call, parts, behaviour) || (await brokenOff(call, parts, behaviour))) return
    await read(call, parts)
  } catch (cause) {
    answerError(call, cause)
  }
}

async function doWork(call: WorkCall, parts: StandInParts, work: Work): Promise<void> {
  try {
    await parts.gate.passed(call.signal)
    parts.log.end(call.record, await work(call, parts))
  } catch (cause) {
    const outcome = answerError(call, cause)
    const status = cause instanceof Refusal ? cause.status : undefined
    parts.log.end(call.record, outcome, status)
  }
}

/** Aborts when the connection closes before the answer was complete. */
function goneSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  res.on('close', () => {
    if (!res.writableEnded) controller.abort()
  })
  return controller.signal
}

function answerError({ res, signal }: Call, cause: unknown): 'client-closed' | 'refused' {
  if (signal.aborted) return 'client-closed'
  if (cause instanceof FaultSyntaxError) {
    sendJson(res, 400, { error: `stand-in: ${cause.message}` })
    return 'refused'
  }
  if (!(cause instanceof Refusal)) {
    res.destroy() // Else the client would wait for ever; the process is about to end.
    throw cause
  }
  sendJson(res, cause.status, { error: cause.message })
  return 'refused'
}
