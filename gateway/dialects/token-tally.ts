// pure

import type { AnswerEncoder } from './dialect.ts'
import type { ModelEnd, ModelRecord } from './model-record.ts'

/** How many bytes of UTF-8 a token has, roughly, in English text as well as in Chinese. */
const BYTES_PER_TOKEN = 4

/** What an image costs where nobody counted: 256 tokens in Gemma 3, more elsewhere. */
const IMAGE_TOKENS = 256

/** Counts the tokens of one generation: as Ollama counted them, else by a quarter of the bytes. */
export class TokenTally {
  readonly #estimateInput: () => number
  #outputBytes = 0
  #end: ModelEnd | undefined

  /** `estimateInput` is called only where Ollama gave no prompt count. */
  constructor(estimateInput: () => number) {
    this.#estimateInput = estimateInput
  }

  /** Takes a record that was not ignored: all of its text was generated, shown or not. */
  add({ text, thinking, calls, end }: ModelRecord): void {
    if (text !== '') this.#outputBytes += Buffer.byteLength(text)
    if (thinking !== '') this.#outputBytes += Buffer.byteLength(thinking)
    for (const call of calls) {
      this.#outputBytes += Buffer.byteLength(call.name) + Buffer.byteLength(call.arguments)
    }
    if (end !== undefined) this.#end = end
  }

  /** Only what Ollama counted. */
  get counted(): AnswerEncoder['usage'] {
    const { inputTokens, outputTokens } = this.#end ?? {}
    return {
      ...(inputTokens === undefined ? {} : { inputTokens }),
      ...(outputTokens === undefined ? {} : { outputTokens }),
    }
  }

  /** Whether one of the two numbers below is not Ollama's own: always so before its last line. */
  get isEstimated(): boolean {
    return this.#end?.inputTokens === undefined || this.#end.outputTokens === undefined
  }

  get inputTokens(): number {
    return this.#end?.inputTokens ?? this.#estimateInput()
  }

  get outputTokens(): number {
    return this.#end?.outputTokens ?? Math.ceil(this.#outputBytes / BYTES_PER_TOKEN)
  }

  /** Part of the prompt that came from the cache; unknown where the server does not say. */
  get cachedTokens(): number | undefined {
    return this.#end?.cachedTokens
  }
}

/**
 * Estimates the prompt of an inner request: a quarter of the bytes of its messages and tools, its
 * prompt or its input as JSON (whose keys and braces stand for the template's own tokens), and 256
 * for each image.
 */
export function estimateInputTokens(body: Readonly<Record<string, unknown>>): number {
  let images = 0
  const { messages, tools, prompt, suffix, input } = body
  const text = JSON.stringify({ messages, tools, prompt, suffix, input }, (key, value) => {
    if (key !== 'images' || !Array.isArray(value)) return value
    images += value.length
    return undefined
  })
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN) + images * IMAGE_TOKENS
}

/** `usage` as `/v1` writes it. */
export interface OpenAiUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
}

/** Sums the choices of one answer: their prompt is the same one and counts once. */
export function openAiUsage(choices: readonly TokenTally[]): OpenAiUsage {
  const prompt = choices.find(({ counted }) => counted.inputTokens !== undefined) ?? choices[0]
  const inputTokens = prompt?.inputTokens ?? 0
  const outputTokens = choices.reduce((sum, choice) => sum + choice.outputTokens, 0)
  const cached = prompt?.cachedTokens
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
  }
}
