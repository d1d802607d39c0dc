// pure
// Decides what an answer says, token by token, before any of it is sent.
//
// The hard part is a raw prompt, which is how an answer is continued elsewhere: what stands after
// the opening of the assistant's turn has been said already. Ollama separates thinking from text
// only where it sees the opening tag itself, so a continuation from inside a thought comes back as
// text, closing tag included, and whoever continues has to separate it. So does the stand-in.

import type { Tool } from './decode-request.ts'
import type { Behaviour } from './faults.ts'
import { valueForSchema } from './json-for-schema.ts'
import { ASSISTANT_TURN } from './render-prompt.ts'
import { PADDING, type Place, placeAfter, placeAfterLastWord, WAVE, wordAt } from './words.ts'

/** One token; a tool call counts as one. */
export type Piece =
  | { readonly kind: 'content' | 'thinking'; readonly text: string }
  | {
      readonly kind: 'tool-call'
      readonly index: number
      readonly name: string
      readonly arguments: unknown
    }

/** A whole answer before its first token. */
export interface AnswerPlan {
  readonly pieces: readonly Piece[]
  /** How many tokens of the answer the prompt already held; 0 unless it is a continuation. */
  readonly given: number
  readonly doneReason: 'stop' | 'length'
}

/** What the request contributes to its answer. */
export interface AnswerWish {
  /** As the model reads it, and whether the client wrote it so. */
  readonly prompt: string
  readonly raw: boolean
  readonly thinks: boolean
  /** `undefined` for free text, `json`, or a schema. */
  readonly format: unknown
  readonly callTools: readonly Tool[]
  readonly numPredict: number | undefined
  readonly stop: readonly string[]
}

/** The answer to a raw prompt in which the answer so far is not the beginning of the right one. */
export const WRONG_PROMPT = '!wrong-prompt'

type Script = Pick<AnswerPlan, 'pieces' | 'given'>

/** Plans an answer; the same wish and behaviour always give the same words. */
export function planAnswer(wish: AnswerWish, behaviour: Behaviour): AnswerPlan {
  const { pieces, given } = scriptOf(wish, behaviour)
  const decorated = decorate(pieces, behaviour)
  const stopped = wish.stop.length === 0 ? decorated : untilStop(decorated, wish.stop)
  if (wish.numPredict === undefined || stopped.length < wish.numPredict) {
    return { pieces: stopped, given, doneReason: 'stop' }
  }
  // At the limit exactly it is still the limit: the end of the turn would have been one token more.
  return { pieces: stopped.slice(0, wish.numPredict), given, doneReason: 'length' }
}

function scriptOf(wish: AnswerWish, behaviour: Behaviour): Script {
  if (wish.callTools.length > 0) {
    return { pieces: [...thoughts(wish, behaviour), ...wish.callTools.map(toolCall)], given: 0 }
  }
  if (wish.format !== undefined) {
    return { pieces: [...thoughts(wish, behaviour), ...structured(wish.format)], given: 0 }
  }
  return wish.raw ? continued(wish, behaviour) : fresh(wish, behaviour)
}

function fresh(wish: AnswerWish, behaviour: Behaviour): Script {
  return { pieces: [...thoughts(wish, behaviour), ...contentFrom(FIRST_WORD, behaviour)], given: 0 }
}

const FIRST_WORD: Place = { position: 1, rest: 'w1' }
const FIRST_THOUGHT: Place = { position: 1, rest: 't1' }

function continued(wish: AnswerWish, behaviour: Behaviour): Script {
  const turnAt = wish.prompt.lastIndexOf(ASSISTANT_TURN)
  if (turnAt === -1) {
    const place = placeAfterLastWord(wish.prompt, { letter: 'w', form: behaviour.words })
    return { pieces: contentFrom(place, behaviour), given: place.position - 1 }
  }
  const answer = wish.prompt.slice(turnAt + ASSISTANT_TURN.length)
  const { thought, isOpen, content } = splitThought(answer)
  if (thought !== undefined && isOpen) return continuedThought(thought, wish, behaviour)
  if (thought === undefined && content.trim() === '') return fresh(wish, behaviour)
  const thoughtTokens = countThoughts(thought, behaviour)
  const place = placeAfter(content, { letter: 'w', form: behaviour.words })
  if (place === undefined || thoughtTokens === undefined) return WRONG
  return { pieces: contentFrom(place, behaviour), given: thoughtTokens + place.position - 1 }
}

interface AnswerSoFar {
  readonly thought: string | undefined
  /** Whether the thought is not closed yet. */
  readonly isOpen: boolean
  readonly content: string
}

/** White space around the tags belongs to neither side, as in Ollama's own reading. */
function splitThought(answer: string): AnswerSoFar {
  const trimmed = answer.trimStart()
  if (!trimmed.startsWith(OPENING)) return { thought: undefined, isOpen: false, content: answer }
  const inside = trimmed.slice(OPENING.length).trimStart()
  const closeAt = inside.indexOf(CLOSING)
  if (closeAt === -1) return { thought: inside, isOpen: true, content: '' }
  const content = inside.slice(closeAt + CLOSING.length).trimStart()
  return { thought: inside.slice(0, closeAt), isOpen: false, content }
}

/** `undefined` for a closed thought that is not the whole of the right one. */
function countThoughts(thought: string | undefined, behaviour: Behaviour): number | undefined {
  const text = thought?.trimEnd() ?? ''
  if (text === '') return 0 // Thinking was forbidden, or whoever continues has left it out.
  const place = placeAfter(text, { letter: 't', form: behaviour.words })
  return place?.position === behaviour.thinkingTokens + 1 ? behaviour.thinkingTokens : undefined
}

const OPENING = '<think>'
const CLOSING = '</think>'
const WRONG: Script = { pieces: [{ kind: 'content', text: WRONG_PROMPT }], given: 0 }

function continuedThought(thought: string, wish: AnswerWish, behaviour: Behaviour): Script {
  if (thought === '' && wish.thinks) return fresh(wish, behaviour)
  const vocabulary = { letter: 't', form: behaviour.words } as const
  const place = placeAfter(thought, vocabulary) ?? placeAfter(thought.trimEnd(), vocabulary)
  if (place === undefined) return WRONG
  const rest = wordsFrom(place, 't', behaviour).map(asContent)
  const content = contentFrom(FIRST_WORD, behaviour)
  const closing = content.map((piece, at) => {
    return at === 0 ? asContent(`\n${CLOSING}\n\n${piece.text}`) : piece
  })
  return { pieces: [...rest, ...closing], given: place.position - 1 }
}

function thoughts({ thinks }: AnswerWish, behaviour: Behaviour): readonly Piece[] {
  if (!thinks) return []
  return wordsFrom(FIRST_THOUGHT, 't', behaviour).map((text) => ({ kind: 'thinking', text }))
}

type TextPiece = Extract<Piece, { text: string }>

function contentFrom(place: Place, behaviour: Behaviour): readonly TextPiece[] {
  return wordsFrom(place, 'w', behaviour).map(asContent)
}

function asContent(text: string): TextPiece {
  return { kind: 'content', text }
}

function wordsFrom(place: Place, letter: 'w' | 't', behaviour: Behaviour): readonly string[] {
  const upTo = letter === 'w' ? behaviour.tokens : behaviour.thinkingTokens
  const words: string[] = []
  for (let position = place.position; position <= upTo; position += 1) {
    const isFirst = position === place.position
    words.push(isFirst ? place.rest : wordAt(position, { letter, form: behaviour.words }))
  }
  return words
}

function structured(format: unknown): readonly Piece[] {
  const value = format === 'json' ? { answer: 'w1' } : valueForSchema(format)
  // Four characters a token, so that a structured answer arrives in several lines as others do.
  return (JSON.stringify(value).match(/.{1,4}/gsu) ?? []).map(asContent)
}

function toolCall(tool: Tool, index: number): Piece {
  return { kind: 'tool-call', index, name: tool.name, arguments: valueForSchema(tool.parameters) }
}

function decorate(pieces: readonly Piece[], behaviour: Behaviour): readonly Piece[] {
  const { bigTokenBytes, splitUtf8At } = behaviour
  if (bigTokenBytes === 0 && splitUtf8At === 0) return pieces
  const bigAt = bigTokenBytes === 0 ? -1 : pieces.findIndex((piece) => piece.kind === 'content')
  return pieces.map((piece, at) => {
    if (piece.kind === 'tool-call') return piece
    const padded = at === bigAt ? piece.text.padEnd(bigTokenBytes, PADDING) : piece.text
    return { kind: piece.kind, text: at === splitUtf8At - 1 ? padded + WAVE : padded }
  })
}

function untilStop(pieces: readonly Piece[], stop: readonly string[]): readonly Piece[] {
  const text = pieces.map((piece) => (piece.kind === 'content' ? piece.text : '')).join('')
  const ends = stop.map((word) => text.indexOf(word)).filter((at) => at !== -1)
  let left = Math.min(text.length, ...ends)
  return pieces.flatMap((piece) => {
    if (piece.kind !== 'content') return [piece]
    const said = piece.text.slice(0, left)
    left -= said.length
    return said === '' ? [] : [{ kind: 'content' as const, text: said }]
  })
}
