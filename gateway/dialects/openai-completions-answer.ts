// pure
//
// The two forms of a legacy completion. Unlike a chat's, its chunks are called as the whole answer
// is, the text stands in the choice itself, and thinking has no place.

import type { AnswerFacts } from './dialect.ts'
import { type ChoicePart, GenerationChoice } from './generation-choice.ts'
import type { TokenLogprob } from './model-record.ts'
import {
  AnswerBudget,
  AnswerOfChoices,
  ChoiceEncoder,
  type ChoiceForm,
  type OpenAiEncoder,
} from './openai-encoder.ts'

/** What the request decided about its answer. */
export interface CompletionAnswerPlan {
  /** As the client wrote it. */
  readonly model: string
  readonly isStream: boolean
  readonly includeUsage: boolean
  readonly estimateInput: () => number
}

/** Begins the answer to a completion: one encoder per choice. */
export function startCompletionAnswer(
  plan: CompletionAnswerPlan,
  facts: AnswerFacts,
  choices: number,
): readonly OpenAiEncoder[] {
  const { estimateInput } = plan
  const generations = Array.from(
    { length: choices },
    () =>
      new GenerationChoice({
        callIdPrefix: 'call',
        forcedFunction: undefined,
        oneCallOnly: false,
        estimateInput,
      }),
  )
  const answer = new AnswerOfChoices({ ...plan, idPrefix: 'cmpl-' }, facts, generations)
  const Form = plan.isStream ? StreamedText : BufferedText
  return generations.map(
    (choice, index) => new ChoiceEncoder(choice, new Form(answer, choice, index)),
  )
}

class StreamedText implements ChoiceForm {
  readonly isStream = true
  readonly #answer: AnswerOfChoices
  readonly #choice: GenerationChoice
  readonly #index: number
  readonly #head: string
  readonly #before: string
  readonly #after: string
  /** UTF-16 units before the next token, for `text_offset`. */
  #offset = 0

  constructor(answer: AnswerOfChoices, choice: GenerationChoice, index: number) {
    this.#answer = answer
    this.#choice = choice
    this.#index = index
    this.#head = answer.head('text_completion')
    this.#before = `data: ${this.#head},"choices":[{"index":${index},"text":`
    this.#after = `}]${answer.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  write(parts: readonly ChoicePart[]): string {
    let chunks = ''
    for (const part of parts) {
      if (part.kind === 'content') chunks += this.#chunk(part.text, part.logprobs ?? [], 'null')
    }
    return chunks
  }

  end(parts: readonly ChoicePart[]): string {
    const last = this.write(parts)
    const reason = `"${this.#choice.finishReason}"`
    const finish = this.#chunk('', this.#choice.takeLogprobs(), reason)
    return last + finish + this.#answer.closeStreamed(this.#index, this.#head)
  }

  #chunk(text: string, logprobs: readonly TokenLogprob[], finishReason: string): string {
    const legacy = legacyLogprobs(logprobs, this.#offset)
    this.#offset += text.length
    const said = `${JSON.stringify(text)},"logprobs":${JSON.stringify(legacy)}`
    return `${this.#before}${said},"finish_reason":${finishReason}${this.#after}`
  }
}

class BufferedText implements ChoiceForm {
  readonly isStream = false
  readonly #answer: AnswerOfChoices
  readonly #choice: GenerationChoice
  readonly #index: number
  readonly #budget = new AnswerBudget()
  readonly #logprobs: TokenLogprob[] = []
  #text = ''

  constructor(answer: AnswerOfChoices, choice: GenerationChoice, index: number) {
    this.#answer = answer
    this.#choice = choice
    this.#index = index
  }

  write(parts: readonly ChoicePart[]): string {
    for (const part of parts) {
      if (part.kind !== 'content') continue
      this.#budget.spend(part.text)
      this.#text += part.text
      if (part.logprobs !== undefined) this.#logprobs.push(...part.logprobs)
    }
    return ''
  }

  end(parts: readonly ChoicePart[]): string {
    this.write(parts)
    this.#logprobs.push(...this.#choice.takeLogprobs())
    const choice = {
      index: this.#index,
      text: this.#text,
      logprobs: legacyLogprobs(this.#logprobs, 0),
      finish_reason: this.#choice.finishReason,
    }
    const head = this.#answer.head('text_completion')
    return this.#answer.closeBuffered(this.#index, head, JSON.stringify(choice))
  }
}

/** The form of log-probabilities before chats: lists side by side. `null` where there are none. */
function legacyLogprobs(logprobs: readonly TokenLogprob[], offset: number) {
  if (logprobs.length === 0) return null
  let next = offset
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top_logprobs = [] }) =>
      Object.fromEntries(top_logprobs.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: logprobs.map(({ token }) => {
      const at = next
      next += token.length
      return at
    }),
  }
}
