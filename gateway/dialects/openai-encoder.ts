// pure

import { GatewayError } from '../errors.ts'
import type { AnswerEncoder, AnswerFacts, HeartbeatPhase } from './dialect.ts'
import type { ChoicePart, GenerationChoice } from './generation-choice.ts'
import { openAiErrorBody } from './openai-error.ts'
import { SSE_DONE, SSE_TYPE, sseComment, sseFrame } from './server-sent-events.ts'
import { openAiUsage } from './token-tally.ts'

/** What the encoders of `/v1` know beside what every encoder does. */
export interface OpenAiEncoder extends AnswerEncoder {
  /**
   * The client has all it asked for (`parallel_tool_calls: false`, and one call is whole): cancel
   * the generation, then call `done` with an empty buffer. More of `delta` is ignored.
   */
  readonly wantsStop: boolean
  /** Tokens so far: Ollama's counts, and estimates in place of those that it has not given. */
  readonly tokens: { readonly inputTokens: number; readonly outputTokens: number }
  /** Whether one of `tokens` is an estimate. */
  readonly usageEstimated: boolean
}

/** Ollama has no fingerprints; its own `/v1` says this constant. */
const SYSTEM_FINGERPRINT = 'fp_ollama'

export interface AnswerPlan {
  /** Ids of answers begin with it. */
  readonly idPrefix: 'chatcmpl-' | 'cmpl-'
  readonly model: string
  readonly includeUsage: boolean
}

/** What the choices of one answer have in common. */
export class AnswerOfChoices {
  readonly includeUsage: boolean
  readonly #plan: AnswerPlan
  readonly #facts: AnswerFacts
  readonly #choices: readonly GenerationChoice[]
  readonly #closed = new Map<number, string>()

  constructor(plan: AnswerPlan, facts: AnswerFacts, choices: readonly GenerationChoice[]) {
    this.includeUsage = plan.includeUsage
    this.#plan = plan
    this.#facts = facts
    this.#choices = choices
  }

  /** The object of an answer or chunk as far as it is always the same: open, without `choices`. */
  head(object: 'chat.completion' | 'chat.completion.chunk' | 'text_completion'): string {
    const { requestId, createdS } = this.#facts
    const head = JSON.stringify({
      id: this.#plan.idPrefix + requestId.replace(/^req_/, ''),
      object,
      created: createdS,
      model: this.#plan.model,
      system_fingerprint: SYSTEM_FINGERPRINT,
    })
    return head.slice(0, -1)
  }

  /** Closes a streamed choice. The last one ends the stream, with usage where it was asked for. */
  closeStreamed(index: number, head: string): string {
    this.#closed.set(index, '')
    if (this.#closed.size < this.#choices.length) return ''
    return (this.includeUsage ? sseFrame(`${head},"choices":[],${this.#usage}}`) : '') + SSE_DONE
  }

  /** Closes a buffered choice. The last one returns the whole body. */
  closeBuffered(index: number, head: string, choice: string): string {
    this.#closed.set(index, choice)
    if (this.#closed.size < this.#choices.length) return ''
    const choices = this.#choices.map((_, at) => this.#closed.get(at)).join(',')
    return `${head},"choices":[${choices}],${this.#usage}}`
  }

  get #usage(): string {
    return `"usage":${JSON.stringify(openAiUsage(this.#choices.map(({ tally }) => tally)))}`
  }
}

/** The longest choice that is put together here instead of streamed, in UTF-16 units: 16 MiB. */
export const BUFFERED_CHARS_MAX = 8_388_608

/** What is left of the room for one buffered choice. */
export class AnswerBudget {
  #left = BUFFERED_CHARS_MAX

  /** @throws {GatewayError} upstream_error when the text does not fit any more. */
  spend(text: string): void {
    this.#left -= text.length
    if (this.#left >= 0) return
    const message = 'The answer is too long to be sent in one piece: ask for a stream.'
    throw new GatewayError('upstream_error', { message })
  }
}

/** How the parts of one choice are written: as a stream of frames, or put together. */
export interface ChoiceForm {
  readonly isStream: boolean
  /** '' where nothing is to be said yet. */
  write(parts: readonly ChoicePart[]): string
  /** The last parts, and what ends the choice. */
  end(parts: readonly ChoicePart[]): string
}

/** Joins the reading of a generation with a form of writing it. */
export class ChoiceEncoder implements OpenAiEncoder {
  readonly contentType: string
  readonly isStream: boolean
  readonly #choice: GenerationChoice
  readonly #form: ChoiceForm

  constructor(choice: GenerationChoice, form: ChoiceForm) {
    this.#choice = choice
    this.#form = form
    this.isStream = form.isStream
    this.contentType = form.isStream ? SSE_TYPE : 'application/json; charset=utf-8'
  }

  delta(lines: Buffer): string {
    return this.#form.write(this.#choice.read(lines))
  }

  done(lastLine: Buffer): string {
    return this.#form.end(this.#choice.end(lastLine))
  }

  heartbeat(phase: HeartbeatPhase): string {
    return this.isStream ? sseComment(phase) : ''
  }

  failure(error: GatewayError): string {
    return this.isStream ? sseFrame(openAiErrorBody(error)) : ''
  }

  get wantsStop(): boolean {
    return this.#choice.wantsStop
  }

  get usage(): OpenAiEncoder['usage'] {
    return this.#choice.tally.counted
  }

  get tokens(): OpenAiEncoder['tokens'] {
    const { inputTokens, outputTokens } = this.#choice.tally
    return { inputTokens, outputTokens }
  }

  get usageEstimated(): boolean {
    return this.#choice.tally.isEstimated
  }
}
