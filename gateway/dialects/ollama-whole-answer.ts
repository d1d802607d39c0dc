// pure

import { GatewayError } from '../errors.ts'
import type { AnswerEncoder } from './dialect.ts'
import { countOf } from './model-record.ts'
import { renameModel } from './ollama-rename.ts'

/** The longest answer that is passed on in one piece, in bytes: 4,000 embeddings of 16 KiB. */
export const WHOLE_BYTES_MAX = 67_108_864

/** How far from its end an answer is searched for its counter: it stands behind the vectors. */
const TAIL_BYTES = 1_024

const OPENING_BRACE = 0x7b
const ERROR_HEAD = Buffer.from('{"error":')

/**
 * Passes on an answer that Ollama gives in one piece and this gateway gets in several, untouched.
 * It is not parsed: vectors may be 64 MB of digits, which would hold up every other request.
 */
export class WholeAnswer implements AnswerEncoder {
  readonly isStream = false
  readonly contentType = 'application/json; charset=utf-8'
  readonly #kind: 'embed' | 'embeddings' | 'show'
  readonly #answerModel: string | undefined
  readonly #parts: Buffer[] = []
  #bytesLeft = WHOLE_BYTES_MAX
  #usage: AnswerEncoder['usage'] = {}

  constructor(kind: 'embed' | 'embeddings' | 'show', answerModel: string | undefined) {
    this.#kind = kind
    this.#answerModel = answerModel
  }

  /** @throws {GatewayError} upstream_error when the answer is over the limit. */
  delta(part: Buffer): string {
    this.#bytesLeft -= part.length
    if (this.#bytesLeft < 0) {
      const message = 'the answer is too long, ask for less at once'
      throw new GatewayError('upstream_error', { message })
    }
    this.#parts.push(part)
    return ''
  }

  /** @throws {GatewayError} upstream_error when the whole is cut off, or an `{"error"}`. */
  done(lastPart: Buffer): Buffer {
    this.delta(lastPart)
    const whole = this.#parts.length === 1 ? lastPart : Buffer.concat(this.#parts)
    const tail = whole.toString('latin1', Math.max(0, whole.length - TAIL_BYTES))
    const isWhole = whole[0] === OPENING_BRACE && tail.trimEnd().endsWith('}')
    if (!isWhole || whole.subarray(0, ERROR_HEAD.length).equals(ERROR_HEAD)) {
      const cause = new Error(`the answer of ${this.#kind} is an error, or cut off`)
      throw new GatewayError('upstream_error', { cause })
    }
    if (this.#kind !== 'embed') return whole
    this.#noteUsage(tail)
    return this.#answerModel === undefined ? whole : renameModel(whole, this.#answerModel)
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

  /** A key in quotes that are not escaped is no part of a text, and vectors have no keys. */
  #noteUsage(tail: string): void {
    const [, digits] = /"prompt_eval_count":\s*(\d+)/.exec(tail) ?? []
    const inputTokens = digits === undefined ? undefined : countOf(Number(digits))
    if (inputTokens !== undefined) this.#usage = { inputTokens }
  }
}
