// pure
//
// What Ollama says while it generates: one JSON object per line, from `/api/chat` with the text in
// `message.content`, from `/api/generate` with the text in `response`. Both are read alike, because
// a chat that goes on after a lost worker comes from `/api/generate`.

import { GatewayError } from '../errors.ts'

/** One line of a streamed answer. */
export interface ModelRecord {
  /** '' where the line carries none, as the last one does. */
  readonly text: string
  readonly thinking: string
  readonly calls: readonly ModelCall[]
  readonly logprobs: readonly TokenLogprob[]
  /** Only in the line that says `done: true`. */
  readonly end: ModelEnd | undefined
}

/** A tool call, which Ollama gives whole. */
export interface ModelCall {
  readonly name: string
  /** As JSON of an object. */
  readonly arguments: string
}

export interface ModelEnd {
  /** `stop`, `length`, `load` or `unload`; '' when the server gave none. */
  readonly reason: string
  /** Counters that the server left out are unknown, never 0. */
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly cachedTokens: number | undefined
}

/** The log-probability of one token as Ollama gives it, which is nearly as OpenAI does. */
export interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  readonly bytes?: readonly number[]
  readonly top_logprobs?: readonly TokenLogprob[]
}

/**
 * Reads the lines of one payload. Blank ones are skipped.
 *
 * @throws {GatewayError} upstream_error when a line is not JSON, is an `{"error"}`, or is nothing
 * that a generation says. Before commit the request may go elsewhere; after it the caller makes
 * `stream_interrupted` of it.
 */
export function decodeModelRecords(lines: Buffer): ModelRecord[] {
  const text = lines.toString('utf8')
  const firstEnd = text.indexOf('\n')
  // Nearly always one line: neither split nor filtered.
  if (firstEnd === -1 || firstEnd === text.length - 1) {
    return firstEnd === 0 || text === '' ? [] : [decodeModelRecord(text)]
  }
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(decodeModelRecord)
}

/** Reads JSON that is Ollama's, not the client's. @throws {GatewayError} upstream_error */
export function decodeModelJson(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new GatewayError('upstream_error', { cause })
  }
  if (!isObject(value)) throw notOllama('is not a JSON object')
  if (typeof value.error === 'string') throw notOllama(`reports: ${value.error.slice(0, 200)}`)
  return value
}

function decodeModelRecord(line: string): ModelRecord {
  const value = decodeModelJson(line)
  const isDone = value.done === true
  const message = isObject(value.message) ? value.message : undefined
  if (!isDone && message === undefined && typeof value.response !== 'string') {
    throw notOllama('is no part of a generation')
  }
  const from = message ?? value
  return {
    text: textOf(message === undefined ? value.response : message.content),
    thinking: textOf(from.thinking),
    calls: Array.isArray(from.tool_calls) ? from.tool_calls.map(decodeCall) : NONE,
    logprobs: Array.isArray(value.logprobs) ? value.logprobs.map(decodeLogprob) : NONE,
    end: isDone ? decodeEnd(value) : undefined,
  }
}

const NONE: readonly never[] = []

function decodeCall(call: unknown): ModelCall {
  const made = isObject(call) && isObject(call.function) ? call.function : undefined
  if (typeof made?.name !== 'string') throw notOllama('has a tool call without a name')
  const given = made.arguments ?? {}
  if (!isObject(given)) throw notOllama('has a tool call whose arguments are no object')
  return { name: made.name, arguments: JSON.stringify(given) }
}

function decodeLogprob(value: unknown): TokenLogprob {
  if (!isObject(value) || typeof value.token !== 'string' || typeof value.logprob !== 'number') {
    throw notOllama('has a malformed log-probability')
  }
  return value as unknown as TokenLogprob
}

function decodeEnd(value: Readonly<Record<string, unknown>>): ModelEnd {
  return {
    reason: textOf(value.done_reason),
    inputTokens: countOf(value.prompt_eval_count),
    outputTokens: countOf(value.eval_count),
    cachedTokens: countOf(value.prompt_eval_cached_count),
  }
}

/** Reads a counter; what is no whole number from 0 is unknown. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notOllama(what: string): GatewayError {
  return new GatewayError('upstream_error', { cause: new Error(`a line of the answer ${what}`) })
}
