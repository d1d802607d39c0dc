// pure

import { GatewayError } from '../errors.ts'
import type { AnswerEncoder } from './dialect.ts'
import { decodeModelJson } from './model-record.ts'
import { isFields, type OllamaFields } from './ollama-fields.ts'
import { decodeLastLine, usageOf } from './ollama-last-line.ts'

/** The most of Ollama's lines that are put together for one answer, in bytes. */
export const JOINED_BYTES_MAX = 67_108_864

/** The order in which Ollama 0.13.5 writes the keys of its answers. */
const CHAT_KEYS = [
  ...['model', 'remote_model', 'remote_host', 'created_at', 'message', 'done', 'done_reason'],
  ...['_debug_info', 'logprobs'],
]
const MESSAGE_KEYS = ['role', 'content', 'thinking', 'images', 'tool_calls']
const GENERATE_KEYS = [
  ...['model', 'remote_model', 'remote_host', 'created_at', 'response', 'thinking', 'done'],
  ...['done_reason', 'context', 'total_duration', 'load_duration', 'prompt_eval_count'],
  ...['prompt_eval_duration', 'eval_count', 'eval_duration', 'tool_calls', '_debug_info'],
  'logprobs',
]

/**
 * Puts a stream together as the server does for `stream: false`: texts joined, tool calls and
 * log-probabilities gathered, everything else as the last line has it.
 */
export class JoinedAnswer implements AnswerEncoder {
  readonly isStream = false
  readonly contentType = 'application/json; charset=utf-8'
  readonly #kind: 'chat' | 'generate'
  readonly #answerModel: string | undefined
  #bytesLeft = JOINED_BYTES_MAX
  #text = ''
  #thinking = ''
  readonly #calls: unknown[] = []
  readonly #logprobs: unknown[] = []
  #usage: AnswerEncoder['usage'] = {}

  constructor(kind: 'chat' | 'generate', answerModel: string | undefined) {
    this.#kind = kind
    this.#answerModel = answerModel
  }

  /** @throws {GatewayError} upstream_error for a line that is broken, or an `{"error"}`. */
  delta(lines: Buffer): string {
    this.#bytesLeft -= lines.length
    if (this.#bytesLeft < 0) {
      const message = 'the answer is too long to be sent in one piece, ask for a stream'
      throw new GatewayError('upstream_error', { message })
    }
    for (const line of lines.toString('utf8').split('\n')) {
      if (line.trim() !== '') this.#take(decodeModelJson(line))
    }
    return ''
  }

  /** @throws {GatewayError} upstream_error when it is no last line. */
  done(lastLine: Buffer): string {
    const last = decodeLastLine(lastLine)
    this.#take(last)
    this.#usage = usageOf(last)
    const named = this.#answerModel === undefined ? last : { ...last, model: this.#answerModel }
    return JSON.stringify(this.#kind === 'chat' ? this.#chat(named) : this.#completion(named))
  }

  heartbeat(): string {
    return ''
  }

  failure(): string {
    return ''
  }

  get usage(): AnswerEncoder['usage'] {
    return this.#usage
  }

  #take(line: OllamaFields): void {
    const from = this.#kind === 'chat' ? line.message : line
    const text = isFields(from) ? from[this.#kind === 'chat' ? 'content' : 'response'] : undefined
    if (!isFields(from) || typeof text !== 'string') {
      const cause = new Error(`a line of the answer is no part of a ${this.#kind}`)
      throw new GatewayError('upstream_error', { cause })
    }
    this.#text += text
    if (typeof from.thinking === 'string') this.#thinking += from.thinking
    append(this.#calls, from.tool_calls)
    append(this.#logprobs, line.logprobs)
  }

  #chat(last: OllamaFields): OllamaFields {
    const message = fill(isFields(last.message) ? last.message : {}, MESSAGE_KEYS, {
      content: this.#text,
      thinking: this.#thinking,
      tool_calls: this.#calls,
    })
    return fill({ ...last, message }, CHAT_KEYS, { logprobs: this.#logprobs })
  }

  #completion(last: OllamaFields): OllamaFields {
    return fill(last, GENERATE_KEYS, {
      response: this.#text,
      thinking: this.#thinking,
      tool_calls: this.#calls,
      logprobs: this.#logprobs,
    })
  }
}

/** One by one: as arguments of one `push`, 100,000 values would overflow the stack. */
function append(list: unknown[], values: unknown): void {
  if (!Array.isArray(values)) return
  for (const value of values) list.push(value)
}

/**
 * Sets fields where they stand, or else behind the last of those that come before them in `keys`.
 * What is empty and not there is left out, as the server does.
 */
function fill(
  fields: OllamaFields,
  keys: readonly string[],
  values: Readonly<Record<string, string | readonly unknown[]>>,
): OllamaFields {
  const entries = Object.entries(fields)
  for (const [name, value] of Object.entries(values)) {
    const there = entries.findIndex(([key]) => key === name)
    if (there !== -1) entries[there] = [name, value]
    else if (value.length > 0) {
      const before = keys.slice(0, keys.indexOf(name))
      const behind = entries.findLastIndex(([key]) => before.includes(key)) + 1
      entries.splice(behind, 0, [name, value])
    }
  }
  return Object.fromEntries(entries)
}
