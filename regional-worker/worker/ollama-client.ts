// The door of undici for the worker: one pool for one Ollama. What comes back through this door is
// content, and then exactly one end; errors of the library stay behind it.
//
// `dispatch` with a handler of our own is the cheapest way through undici: no stream objects, no
// promise per chunk, and pausing is a flag.

import { type Dispatcher, Pool } from 'undici'
import { type RegionFailure, regionFailure } from '#wire/error-codes.ts'
import { FRAME_PAYLOAD_BYTES_MAX } from '#wire/frames.ts'
import type { WorkKind } from '#wire/region-api.ts'
import { LineCutter, type StreamEnd } from './lines.ts'
import type { Usage } from './ollama-answers.ts'
import {
  type CallReach,
  failureOfConnection,
  failureOfStatus,
  failureOfText,
} from './ollama-failure.ts'

export interface OllamaRequest {
  readonly kind: WorkKind
  readonly body: Buffer
  readonly traceparent?: string | undefined
}

export type OllamaEnd =
  /** `last` is the line that ends a stream, or what is left of an answer that does not stream. */
  | { readonly kind: 'done'; readonly last: Buffer; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly failure: RegionFailure }
  | { readonly kind: 'aborted' }

export interface OllamaCall {
  /** How the call ended; never rejects. */
  readonly ended: Promise<OllamaEnd>
  /** Stops reading, so that Ollama in turn must wait, until `resume`. */
  pause(): void
  resume(): void
  /** Closes the connection, which is how Ollama learns that nobody wants the answer. */
  abort(): void
  /** Waits until the connection has nothing left of this call, and cuts it after `limitMs`. */
  quiet(limitMs: number): Promise<void>
}

export interface OllamaClient {
  /** Calls `/api/<kind>`. `onContent` gets what comes before the end: whole lines, or parts. */
  call(request: OllamaRequest, onContent: (bytes: Buffer) => void): OllamaCall
  /** Gets JSON from a path such as `/api/tags`. Rejects without an answer in `ASK_TIMEOUT_MS`. */
  ask(path: string): Promise<unknown>
  /** Cuts every call. May be called twice. */
  close(): Promise<void>
}

export const ASK_TIMEOUT_MS = 2_000
/** The largest answer to `ask`: the tags of some thousand models. */
const ASK_BYTES_MAX = 4_194_304
/** How much of an error's body is read: enough for a sentence and a stack of it. */
const ERROR_BYTES_MAX = 65_536
/** The largest answer of a kind that does not stream: 4,000 embeddings of 16 KiB. */
const ANSWER_BYTES_MAX = 67_108_864
const STREAMING: ReadonlySet<WorkKind> = new Set<WorkKind>(['chat', 'generate'])

/** Makes a client for the Ollama at `url`; connections are made when they are needed. */
export function createOllamaClient(url: string, slots: number): OllamaClient {
  const { origin, pathname } = new URL(url)
  const prefix = pathname.replace(/\/$/, '')
  const pool = new Pool(origin, {
    // Two for each slot, since an ended call may still hold its own, and some to ask with.
    connections: 2 * slots + 4,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: 2_000, keepAlive: true, keepAliveInitialDelay: 10_000 },
    keepAliveTimeout: 30_000, // Ollama itself never closes an idle connection.
    headersTimeout: 0, // A long prefill sends no headers for minutes: see phase-limits.ts.
    bodyTimeout: 0,
    maxHeaderSize: 16_384,
  })
  return {
    call: ({ kind, body, traceparent }, onContent) => {
      const headers = ['content-type', 'application/json']
      if (traceparent !== undefined) headers.push('traceparent', traceparent)
      const reader = STREAMING.has(kind) ? new StreamReader() : new WholeReader()
      const exchange = new Exchange(reader, onContent)
      pool.dispatch({ path: `${prefix}/api/${kind}`, method: 'POST', headers, body }, exchange)
      return exchange
    },
    ask: async (path) => {
      const { statusCode, body } = await pool.request({
        path: `${prefix}${path}`,
        method: 'GET',
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      })
      const text = await textOf(body, ASK_BYTES_MAX)
      if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
      return JSON.parse(text)
    },
    close: () => pool.destroy(),
  }
}

/** What reads the body of a success: a stream of lines, or one JSON text. */
interface AnswerReader {
  push(chunk: Buffer): { readonly content: Buffer; readonly end?: OllamaEnd }
  finish(): OllamaEnd
}

class Exchange implements OllamaCall, Dispatcher.DispatchHandler {
  readonly ended: Promise<OllamaEnd>
  readonly #end: (end: OllamaEnd) => void
  readonly #reader: AnswerReader
  readonly #onContent: (bytes: Buffer) => void
  readonly #closed = Promise.withResolvers<void>()
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #errorBody: Buffer = NOTHING
  #hasEnded = false
  #isClosed = false
  #isAborted = false
  #isPaused = false

  constructor(reader: AnswerReader, onContent: (bytes: Buffer) => void) {
    const { promise, resolve } = Promise.withResolvers<OllamaEnd>()
    this.ended = promise
    this.#end = resolve
    this.#reader = reader
    this.#onContent = onContent
  }

  pause(): void {
    this.#isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#controller?.resume()
  }

  abort(): void {
    this.#isAborted = true
    this.#finish(ABORTED)
    // Before the request is on a connection there is nothing to abort: see `onRequestStart`.
    if (!this.#isClosed) this.#controller?.abort(CLOSING)
  }

  async quiet(limitMs: number): Promise<void> {
    if (this.#isClosed) return
    const timer = setTimeout(() => this.abort(), limitMs)
    await this.#closed.promise
    clearTimeout(timer)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isAborted) controller.abort(CLOSING)
    else if (this.#isPaused) controller.pause()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200) this.#status = status // Below it, the real one is still to come.
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#hasEnded) return
    if (this.#status !== 200) {
      if (this.#errorBody.length < ERROR_BYTES_MAX) {
        this.#errorBody = Buffer.concat([this.#errorBody, chunk])
      }
      return
    }
    const { content, end } = this.#reader.push(chunk)
    if (content.length > 0) this.#onContent(content)
    if (end === undefined) return
    this.#finish(end)
    if (end.kind !== 'done') controller.abort(CLOSING)
  }

  onResponseEnd(): void {
    if (!this.#hasEnded) {
      this.#finish(
        this.#status === 200
          ? this.#reader.finish()
          : failed(failureOfStatus(this.#status, this.#errorBody.toString())),
      )
    }
    this.#close()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(failed(failureOfConnection(errorCodeOf(error), this.#reach())))
    this.#close()
  }

  #reach(): CallReach {
    if (this.#controller === undefined) return 'not-sent'
    return this.#status === 0 ? 'sent' : 'answering'
  }

  /** The first end is the end. */
  #finish(end: OllamaEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#end(end)
  }

  #close(): void {
    this.#isClosed = true
    this.#closed.resolve()
  }
}

class StreamReader implements AnswerReader {
  readonly #cutter = new LineCutter()

  push(chunk: Buffer): { content: Buffer; end?: OllamaEnd } {
    const { content, end } = this.#cutter.push(chunk)
    return end === undefined ? { content } : { content, end: endOfStream(end) }
  }

  finish(): OllamaEnd {
    return endOfStream(this.#cutter.finish())
  }
}

/** Hands on full frames of an answer as they come, and keeps less than one. */
class WholeReader implements AnswerReader {
  #pieces: Buffer[] = []
  #kept = 0
  #total = 0

  push(chunk: Buffer): { content: Buffer; end?: OllamaEnd } {
    if (this.#total === 0 && chunk[0] !== OPENING_BRACE) {
      return { content: NOTHING, end: failed(regionFailure('ollama-failed', NO_JSON)) }
    }
    this.#pieces.push(chunk)
    this.#kept += chunk.length
    this.#total += chunk.length
    if (this.#total > ANSWER_BYTES_MAX) {
      return { content: NOTHING, end: failed(regionFailure('ollama-failed', TOO_LARGE)) }
    }
    if (this.#kept <= FRAME_PAYLOAD_BYTES_MAX) return { content: NOTHING }
    const kept = this.#join()
    this.#pieces.push(kept.subarray(FRAME_PAYLOAD_BYTES_MAX))
    this.#kept = kept.length - FRAME_PAYLOAD_BYTES_MAX
    return { content: kept.subarray(0, FRAME_PAYLOAD_BYTES_MAX) }
  }

  finish(): OllamaEnd {
    const last = this.#join()
    if (last.length === 0) return failed(regionFailure('ollama-failed', NO_JSON))
    return { kind: 'done', last, usage: {} }
  }

  #join(): Buffer {
    const joined = Buffer.concat(this.#pieces)
    this.#pieces = []
    return joined
  }
}

const OPENING_BRACE = 0x7b
const NOTHING = Buffer.alloc(0)
const ABORTED: OllamaEnd = { kind: 'aborted' }
const CLOSING = new Error('the call is not wanted any more')
const NO_JSON = { message: 'an answer that is no JSON object' }
const TOO_LARGE = { message: `an answer over ${ANSWER_BYTES_MAX} bytes` }

function endOfStream(end: StreamEnd): OllamaEnd {
  switch (end.kind) {
    case 'done':
      return { kind: 'done', last: end.line, usage: end.usage }
    case 'error':
      return failed(failureOfText(end.message))
    case 'broken':
      return failed(regionFailure('ollama-failed', { message: `the stream is ${end.why}` }))
    default:
      return end satisfies never
  }
}

function failed(failure: RegionFailure): OllamaEnd {
  return { kind: 'failed', failure }
}

function errorCodeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

async function textOf(body: Dispatcher.ResponseData['body'], bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new Error(`an answer over ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
