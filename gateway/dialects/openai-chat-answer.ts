// pure
//
// The two forms of a chat completion. A stream is written by joining strings that are fixed for the
// whole answer around the small part that is new in a chunk: `JSON.stringify` of whole chunks would
// escape id, model and fingerprint again for every token.

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

/** Where thinking may be shown. Ollama's `/v1` uses the first name, some clients read the other. */
export type ReasoningField = 'reasoning' | 'reasoning_content'

/** What the request decided about its answer. */
export interface ChatAnswerPlan {
  /** As the client wrote it. */
  readonly model: string
  readonly isStream: boolean
  readonly includeUsage: boolean
  /** Each thought is written under all of these names. */
  readonly reasoningFields: readonly ReasoningField[]
  readonly forcedFunction: string | undefined
  readonly oneCallOnly: boolean
  readonly estimateInput: () => number
}

/** Begins the answer to a chat: one encoder per choice. */
export function startChatAnswer(
  plan: ChatAnswerPlan,
  facts: AnswerFacts,
  choices: number,
): readonly OpenAiEncoder[] {
  const hex = facts.requestId.slice(facts.requestId.lastIndexOf('_') + 1)
  const generations = Array.from(
    { length: choices },
    (_, index) => new GenerationChoice({ ...plan, callIdPrefix: `call_${hex}_${index}` }),
  )
  const answer = new AnswerOfChoices({ ...plan, idPrefix: 'chatcmpl-' }, facts, generations)
  const Form = plan.isStream ? StreamedChat : BufferedChat
  return generations.map(
    (choice, index) => new ChoiceEncoder(choice, new Form(plan, answer, choice, index)),
  )
}

class StreamedChat implements ChoiceForm {
  readonly isStream = true
  readonly #answer: AnswerOfChoices
  readonly #choice: GenerationChoice
  readonly #index: number
  readonly #reasoningFields: readonly ReasoningField[]
  /** The answer's head, a chunk up to its delta, and what follows the finish reason. */
  readonly #head: string
  readonly #before: string
  readonly #after: string
  #hasBegun = false

  constructor(
    { reasoningFields }: ChatAnswerPlan,
    answer: AnswerOfChoices,
    choice: GenerationChoice,
    index: number,
  ) {
    this.#answer = answer
    this.#choice = choice
    this.#index = index
    this.#reasoningFields = reasoningFields
    this.#head = answer.head('chat.completion.chunk')
    this.#before = `data: ${this.#head},"choices":[{"index":${index},"delta":`
    this.#after = `}]${answer.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  write(parts: readonly ChoicePart[]): string {
    let chunks = ''
    for (const part of parts) {
      chunks += this.#chunk(deltaOf(part, this.#reasoningFields), part.logprobs ?? [], 'null')
    }
    // The role alone is no content and must not commit: it leaves together with the first of it.
    return chunks === '' ? '' : this.#begin() + chunks
  }

  end(parts: readonly ChoicePart[]): string {
    const last = this.write(parts)
    const begin = this.#begin()
    const reason = `"${this.#choice.finishReason}"`
    const finish = this.#chunk('{}', this.#choice.takeLogprobs(), reason)
    return last + begin + finish + this.#answer.closeStreamed(this.#index, this.#head)
  }

  #begin(): string {
    if (this.#hasBegun) return ''
    this.#hasBegun = true
    return `${this.#before}{"role":"assistant","content":""},"finish_reason":null${this.#after}`
  }

  #chunk(delta: string, logprobs: readonly TokenLogprob[], finishReason: string): string {
    const said =
      logprobs.length === 0 ? '' : `,"logprobs":${JSON.stringify(openAiLogprobs(logprobs))}`
    return `${this.#before}${delta}${said},"finish_reason":${finishReason}${this.#after}`
  }
}

function deltaOf(part: ChoicePart, reasoningFields: readonly ReasoningField[]): string {
  switch (part.kind) {
    case 'content':
      return `{"content":${JSON.stringify(part.text)}}`
    case 'reasoning':
      return `{${reasoningFields.map((field) => `"${field}":${JSON.stringify(part.text)}`).join()}}`
    case 'call': {
      const made = `"function":{"name":${JSON.stringify(part.name)},"arguments":""}`
      const { index, id } = part
      return `{"tool_calls":[{"index":${index},"id":"${id}","type":"function",${made}}]}`
    }
    case 'arguments': {
      const more = `{"arguments":${JSON.stringify(part.text)}}`
      return `{"tool_calls":[{"index":${part.index},"function":${more}}]}`
    }
    default:
      return part satisfies never
  }
}

class BufferedChat implements ChoiceForm {
  readonly isStream = false
  readonly #answer: AnswerOfChoices
  readonly #choice: GenerationChoice
  readonly #index: number
  readonly #reasoningFields: readonly ReasoningField[]
  readonly #budget = new AnswerBudget()
  readonly #calls: { id: string; name: string; arguments: string }[] = []
  readonly #logprobs: TokenLogprob[] = []
  #content = ''
  #reasoning = ''

  constructor(
    { reasoningFields }: ChatAnswerPlan,
    answer: AnswerOfChoices,
    choice: GenerationChoice,
    index: number,
  ) {
    this.#reasoningFields = reasoningFields
    this.#answer = answer
    this.#choice = choice
    this.#index = index
  }

  write(parts: readonly ChoicePart[]): string {
    for (const part of parts) this.#take(part)
    return ''
  }

  end(parts: readonly ChoicePart[]): string {
    this.write(parts)
    this.#logprobs.push(...this.#choice.takeLogprobs())
    const calls = this.#calls.map(({ id, ...made }) => ({ id, type: 'function', function: made }))
    const thoughts = this.#reasoning === '' ? [] : this.#reasoningFields
    const choice = {
      index: this.#index,
      message: {
        role: 'assistant',
        // Null as OpenAI has it: the calls are all there is to say.
        content: this.#content === '' && calls.length > 0 ? null : this.#content,
        refusal: null,
        ...Object.fromEntries(thoughts.map((field) => [field, this.#reasoning])),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      },
      logprobs: this.#logprobs.length === 0 ? null : openAiLogprobs(this.#logprobs),
      finish_reason: this.#choice.finishReason,
    }
    const head = this.#answer.head('chat.completion')
    return this.#answer.closeBuffered(this.#index, head, JSON.stringify(choice))
  }

  #take(part: ChoicePart): void {
    if (part.logprobs !== undefined) this.#logprobs.push(...part.logprobs)
    switch (part.kind) {
      case 'content':
        this.#budget.spend(part.text)
        this.#content += part.text
        return
      case 'reasoning':
        this.#budget.spend(part.text)
        this.#reasoning += part.text
        return
      case 'call':
        this.#calls.push({ id: part.id, name: part.name, arguments: '' })
        return
      case 'arguments': {
        this.#budget.spend(part.text)
        const call = this.#calls[part.index]
        if (call !== undefined) call.arguments += part.text
        return
      }
      default:
        part satisfies never
    }
  }
}

function openAiLogprobs(logprobs: readonly TokenLogprob[]) {
  const content = logprobs.map((one) => ({
    ...openAiLogprob(one),
    top_logprobs: one.top_logprobs?.map(openAiLogprob) ?? [],
  }))
  return { content, refusal: null }
}

function openAiLogprob({ token, logprob, bytes }: TokenLogprob) {
  return { token, logprob, bytes: bytes ?? null }
}
