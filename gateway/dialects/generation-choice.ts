// pure

import { GatewayError } from '../errors.ts'
import {
  decodeModelRecords,
  type ModelCall,
  type ModelRecord,
  type TokenLogprob,
} from './model-record.ts'
import { TokenTally } from './token-tally.ts'

/** A piece of one choice, in the order in which clients expect the pieces. */
export type ChoicePart = ChoicePiece & {
  /** Of the tokens since the last part that had some; absent where none were asked for. */
  readonly logprobs?: readonly TokenLogprob[]
}

type ChoicePiece =
  | { readonly kind: 'reasoning' | 'content'; readonly text: string }
  /** A call begins. Its arguments follow, in one piece or several. */
  | { readonly kind: 'call'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly kind: 'arguments'; readonly index: number; readonly text: string }

export type FinishReason = 'stop' | 'length' | 'tool_calls'

export interface ChoicePlan {
  /** Ids of calls begin with it: `call_<24 hex>_<choice>`; OpenAI itself takes 40 characters. */
  readonly callIdPrefix: string
  /** The function whose arguments all of the text is; `undefined` for an ordinary answer. */
  readonly forcedFunction: string | undefined
  /** Whether the answer ends with its first call. */
  readonly oneCallOnly: boolean
  readonly estimateInput: () => number
}

/**
 * Reads one generation as the choice of an answer that it becomes: numbers its calls whatever index
 * they came with, turns the text of a forced function into its arguments, ignores what follows the
 * only call that was wanted.
 */
export class GenerationChoice {
  readonly tally: TokenTally
  readonly #plan: ChoicePlan
  #calls = 0
  #logprobs: TokenLogprob[] = []
  #reason = ''

  constructor(plan: ChoicePlan) {
    this.#plan = plan
    this.tally = new TokenTally(plan.estimateInput)
  }

  /** Whole lines of Ollama. Empty where they say nothing. @throws {GatewayError} upstream_error */
  read(lines: Buffer): ChoicePart[] {
    const parts: ChoicePart[] = []
    for (const record of decodeModelRecords(lines)) this.#readRecord(record, parts)
    return parts
  }

  /**
   * Ollama's last line, which may still say something. Without a line that says `done` the answer
   * is truncated, unless it was ended because of `wantsStop`.
   *
   * @throws {GatewayError} upstream_error
   */
  end(lastLine: Buffer): ChoicePart[] {
    const parts: ChoicePart[] = []
    let isEnded = this.wantsStop
    for (const record of decodeModelRecords(lastLine)) {
      this.#readRecord(record, parts)
      if (record.end === undefined) continue
      this.#reason = record.end.reason
      isEnded = true
    }
    if (isEnded) return parts
    throw new GatewayError('upstream_error', { cause: new Error('the answer has no last line') })
  }

  get wantsStop(): boolean {
    return this.#plan.oneCallOnly && this.#calls > 0 && this.#plan.forcedFunction === undefined
  }

  /** Known when `end` has been called. Arguments that were cut off are honestly of `length`. */
  get finishReason(): FinishReason {
    const isCut = this.#reason === 'length'
    if (this.#calls > 0 && !(isCut && this.#plan.forcedFunction !== undefined)) return 'tool_calls'
    return isCut ? 'length' : 'stop'
  }

  /** Log-probabilities that no part has carried, which are then forgotten here. */
  takeLogprobs(): readonly TokenLogprob[] {
    const taken = this.#logprobs
    if (taken.length > 0) this.#logprobs = []
    return taken
  }

  #readRecord(record: ModelRecord, parts: ChoicePart[]): void {
    if (this.wantsStop) {
      // Counters of the last line count, text that the client does not get is not estimated.
      if (record.end !== undefined) this.tally.add({ ...record, text: '', thinking: '', calls: [] })
      return
    }
    const before = parts.length
    this.tally.add(record)
    if (record.thinking !== '') parts.push({ kind: 'reasoning', text: record.thinking })
    if (record.text !== '') this.#readText(record.text, parts)
    for (const call of record.calls) {
      if (!this.wantsStop) this.#readCall(call, parts)
    }
    if (record.logprobs.length > 0) this.#logprobs.push(...record.logprobs)
    const first = parts[before]
    if (first === undefined || this.#logprobs.length === 0) return
    parts[before] = { ...first, logprobs: this.takeLogprobs() }
  }

  #readText(text: string, parts: ChoicePart[]): void {
    const { forcedFunction } = this.#plan
    if (forcedFunction === undefined) {
      parts.push({ kind: 'content', text })
      return
    }
    if (this.#calls === 0) this.#beginCall(forcedFunction, parts)
    parts.push({ kind: 'arguments', index: 0, text })
  }

  #readCall(call: ModelCall, parts: ChoicePart[]): void {
    const index = this.#beginCall(call.name, parts)
    parts.push({ kind: 'arguments', index, text: call.arguments })
  }

  #beginCall(name: string, parts: ChoicePart[]): number {
    const index = this.#calls
    this.#calls += 1
    parts.push({ kind: 'call', index, id: `${this.#plan.callIdPrefix}_${index}`, name })
    return index
  }
}
