// The public address, path by path: what is offered, in which dialect, and by which story.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ParseRequest } from './dialects/dialect.ts'
import { JSON_LIMITS, parseJsonBody } from './dialects/json-body.ts'
import { parseOllamaChat } from './dialects/ollama-chat.ts'
import { parseOllamaEmbed, parseOllamaEmbeddings } from './dialects/ollama-embed.ts'
import { OLLAMA_EMPTY_BODY } from './dialects/ollama-error.ts'
import { parseOllamaGenerate } from './dialects/ollama-generate.ts'
import { parseOllamaShow } from './dialects/ollama-show.ts'
import { openAiChat } from './dialects/openai-chat.ts'
import { openAiCompletions } from './dialects/openai-completions.ts'
import { openAiEmbeddings } from './dialects/openai-embeddings.ts'
import { ClientStream } from './downstream/client-stream.ts'
import { addMethodNotAllowed } from './downstream/listener.ts'
import { dialectOf } from './downstream/local-reply.ts'
import { GatewayError } from './errors.ts'
import { type GenerationStations, handleGeneration } from './handle-generation.ts'
import { answerList, type List } from './handle-list.ts'
import type { RequestContext } from './request-context.ts'
import type { RegionView } from './upstream/region-view.ts'

export interface RouteOptions {
  readonly generation: GenerationStations
  readonly views: () => readonly RegionView[]
  readonly readerTimeoutMs: number
}

const GENERATIONS: Readonly<Record<string, ParseRequest>> = {
  '/v1/chat/completions': openAiChat({ choicesMax: 1 }),
  '/v1/completions': openAiCompletions({ choicesMax: 1 }),
  '/v1/embeddings': openAiEmbeddings,
  '/api/chat': parseOllamaChat,
  '/api/generate': parseOllamaGenerate,
  '/api/embed': parseOllamaEmbed,
  '/api/embeddings': parseOllamaEmbeddings,
  '/api/show': parseOllamaShow,
}

const LISTS: Readonly<Record<string, (request: FastifyRequest) => List>> = {
  '/': () => ({ kind: 'ollama-root' }),
  '/api/tags': () => ({ kind: 'ollama-tags' }),
  '/api/version': () => ({ kind: 'ollama-version' }),
  '/v1/models': () => ({ kind: 'openai-models' }),
  // Names of models hold `:` and `/`, so the rest of the path is the name.
  '/v1/models/*': ({ params }) => ({
    kind: 'openai-model',
    name: String((params as Record<string, unknown>)['*'] ?? ''),
  }),
}

/**
 * What changes models is done at each region, beside its Ollama, and never through this address.
 */
const MANAGED_AT_REGION = [
  '/api/pull',
  '/api/push',
  '/api/create',
  '/api/copy',
  '/api/delete',
  '/api/blobs/*',
]

/** Adds every path of the public address to a listener. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  for (const [path, parse] of Object.entries(GENERATIONS)) addGeneration(app, path, parse, options)
  for (const [path, listOf] of Object.entries(LISTS)) addList(app, path, listOf, options)
  for (const path of MANAGED_AT_REGION) {
    app.all(path, () => {
      throw new GatewayError('managed_at_region')
    })
  }
}

function addGeneration(
  app: FastifyInstance,
  path: string,
  parse: ParseRequest,
  { generation, readerTimeoutMs }: RouteOptions,
): void {
  app.post(path, (request, reply) => {
    // From here on the answer is ours to write, frame by frame.
    reply.hijack()
    return handleGeneration(generation, {
      context: request.meridian,
      dialect: dialectOf(path),
      parse,
      readBody: () => readJson(request, path),
      asked: askedOf(request),
      stream: new ClientStream(reply.raw, readerTimeoutMs),
    })
  })
  addMethodNotAllowed(app, path, ['POST'])
}

function addList(
  app: FastifyInstance,
  path: string,
  listOf: (request: FastifyRequest) => List,
  { generation, views }: RouteOptions,
): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: path,
    handler: (request, reply) => {
      const { contentType, body } = answerList(listOf(request), views())
      endList(request.meridian, Buffer.byteLength(body))
      generation.finish(request.meridian)
      return sendList(reply, contentType, body)
    },
  })
  addMethodNotAllowed(app, path, ['GET', 'HEAD'])
}

function sendList(reply: FastifyReply, contentType: string, body: string): FastifyReply {
  return reply.type(contentType).header('cache-control', 'no-store').send(body)
}

function endList(context: RequestContext, bytesOut: number): void {
  context.status = 200
  context.bytesOut = bytesOut
}

function askedOf({ headers }: FastifyRequest): { residency?: string; priority?: string } {
  const residency = headers['x-meridian-residency']
  const priority = headers['x-meridian-priority']
  return {
    ...(residency === undefined ? {} : { residency: String(residency) }),
    ...(priority === undefined ? {} : { priority: String(priority) }),
  }
}

/** @throws {GatewayError} `invalid_json`. */
function readJson({ body, meridian }: FastifyRequest, path: string): unknown {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  meridian.bytesIn = bytes.length
  return parseJsonBody(bytes, path.startsWith('/api/') ? OLLAMA_JSON_LIMITS : JSON_LIMITS)
}

const OLLAMA_JSON_LIMITS = { ...JSON_LIMITS, emptyMessage: OLLAMA_EMPTY_BODY }
