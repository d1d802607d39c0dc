// pure

import type { Priority } from '#wire/region-api.ts'
import type { AnswerFacts, InnerRequest } from './dialect.ts'
import type { OpenAiEncoder } from './openai-encoder.ts'

/** A request to `/v1`, which may ask for several answers to one prompt. */
export interface OpenAiRequest extends InnerRequest {
  /** `n`: how many generations the answer is made of, from 1. */
  readonly choices: number
  /** The class that the request asks for by itself; `undefined` leaves the key's. */
  readonly priority: Priority | undefined
  /** Ollama's request for one choice, counted from 0: a given seed is counted up with it. */
  bodyOfChoice(index: number): Readonly<Record<string, unknown>>
  /** The encoder of the only choice; of several it is the first, which does not end the answer. */
  startAnswer(facts: AnswerFacts): OpenAiEncoder
  /**
   * One encoder per choice, all of one answer: what they return may be written in any order, and
   * the last one to be `done` ends the answer.
   */
  startChoices(facts: AnswerFacts): readonly OpenAiEncoder[]
}

/** What is left to say when a dialect has read its body. */
export type OpenAiRequestParts = Omit<
  OpenAiRequest,
  'bodyOfChoice' | 'startAnswer' | 'startChoices'
> & { readonly startChoices: (facts: AnswerFacts, choices: number) => readonly OpenAiEncoder[] }

/** Joins what a body means with what several choices make of it. */
export function openAiRequest(parts: OpenAiRequestParts): OpenAiRequest {
  const startChoices = (facts: AnswerFacts) => parts.startChoices(facts, parts.choices)
  return {
    ...parts,
    bodyOfChoice: (index) => bodyOfChoice(parts.body, index),
    startChoices,
    startAnswer: (facts) => {
      const [first] = startChoices(facts)
      if (first === undefined) throw new RangeError('an answer has at least one choice')
      return first
    },
  }
}

function bodyOfChoice(
  body: Readonly<Record<string, unknown>>,
  index: number,
): Readonly<Record<string, unknown>> {
  const options = body.options as { readonly seed?: unknown } | undefined
  if (index === 0 || typeof options?.seed !== 'number') return body
  return { ...body, options: { ...options, seed: options.seed + index } }
}
