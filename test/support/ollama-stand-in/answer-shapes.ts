// pure
// The objects of an answer, with Ollama's keys in Ollama's order. What is `undefined` is left out
// when the object is written, as Ollama leaves out what is empty or zero.

import { hash } from 'node:crypto'
import type { Piece } from './plan-answer.ts'

/** What every line of one answer begins with. */
export interface AnswerHead {
  /** As the client wrote it. */
  readonly model: string
  readonly created_at: string
}

/** Whole nanoseconds and counts of tokens; absent where Ollama would have counted zero. */
export interface AnswerCounters {
  readonly total_duration?: number | undefined
  readonly load_duration?: number | undefined
  readonly prompt_eval_count?: number | undefined
  readonly prompt_eval_duration?: number | undefined
  readonly eval_count?: number | undefined
  readonly eval_duration?: number | undefined
}

/** What the last object of an answer says beside its words. */
export interface AnswerEnd {
  /** Whether the answer is complete; a whole answer that broke off is not. */
  readonly done: boolean
  readonly done_reason?: 'stop' | 'length' | 'load' | 'unload'
  /** The conversation as token ids, `/api/generate` only. */
  readonly context?: readonly number[] | undefined
  readonly counters: AnswerCounters
}

/** One token with its probability, in the form of an answer. */
export interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
  readonly top_logprobs?: readonly TokenLogprob[] | undefined
}

/** How one of the two routes puts an answer into objects. */
export interface AnswerShape {
  /** One token of a stream. */
  delta(head: AnswerHead, piece: Piece, logprobs: readonly TokenLogprob[] | undefined): object
  /** The last object of a stream, or a whole answer when all its pieces are given. */
  last(
    head: AnswerHead,
    pieces: readonly Piece[],
    end: AnswerEnd,
    logprobs: readonly TokenLogprob[] | undefined,
  ): object
  /** The answer to `_debug_render_only`; without images their count is left out. */
  rendered(head: AnswerHead, prompt: string, images: number): object
}

/** The words in `message`. */
export const CHAT_SHAPE: AnswerShape = {
  delta(head, piece, logprobs) {
    return { ...head, message: messageOf(head, [piece]), done: false, logprobs }
  },
  last(head, pieces, { done, done_reason, counters }, logprobs) {
    return { ...head, message: messageOf(head, pieces), done, done_reason, logprobs, ...counters }
  },
  rendered(head, prompt, images) {
    const message = { role: '', content: '' }
    return { ...head, message, done: false, _debug_info: debugInfo(prompt, images) }
  },
}

/** The words in `response`, and the context at the end. */
export const GENERATE_SHAPE: AnswerShape = {
  delta(head, piece, logprobs) {
    return { ...head, ...responseOf([piece]), done: false, logprobs }
  },
  last(head, pieces, { done, done_reason, context, counters }, logprobs) {
    return { ...head, ...responseOf(pieces), done, done_reason, context, ...counters, logprobs }
  },
  rendered(head, prompt, images) {
    return { ...head, response: '', done: false, _debug_info: debugInfo(prompt, images) }
  },
}

/** Gives a token a probability that depends on its position only, with `top` alternatives. */
export function logprobOf(text: string, position: number, top: number): TokenLogprob {
  const logprob = -0.05 * (1 + (position % 20))
  const chosen = { token: text, logprob, bytes: bytesOf(text) }
  if (top === 0) return chosen
  const others = Array.from({ length: top - 1 }, (_, at) => {
    return { token: `${text}?${at + 1}`, logprob: logprob - 1 - at, bytes: bytesOf(`${text}?`) }
  })
  return { ...chosen, top_logprobs: [chosen, ...others] }
}

function messageOf(head: AnswerHead, pieces: readonly Piece[]) {
  const calls = pieces.filter((piece) => piece.kind === 'tool-call')
  return {
    role: 'assistant',
    content: textOf(pieces, 'content'),
    thinking: textOf(pieces, 'thinking') || undefined,
    tool_calls: calls.length === 0 ? undefined : calls.map((call) => toolCallOf(head, call)),
  }
}

function responseOf(pieces: readonly Piece[]) {
  return {
    response: textOf(pieces, 'content'),
    thinking: textOf(pieces, 'thinking') || undefined,
  }
}

function textOf(pieces: readonly Piece[], kind: 'content' | 'thinking'): string {
  let text = ''
  for (const piece of pieces) if (piece.kind === kind) text += piece.text
  return text
}

function toolCallOf(head: AnswerHead, call: Extract<Piece, { kind: 'tool-call' }>) {
  const { index, name, arguments: input } = call
  // Unlike any other call's, because agents use it as a key over the turns of a conversation.
  const id = `call_${hash('sha256', `${head.created_at} ${index} ${name}`).slice(0, 8)}`
  return { id, function: { index, name, arguments: input } }
}

function debugInfo(prompt: string, images: number) {
  return { rendered_template: prompt, image_count: images === 0 ? undefined : images }
}

function bytesOf(text: string): readonly number[] {
  return [...Buffer.from(text)]
}
