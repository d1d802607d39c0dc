// pure
// The text of every answer is a fixed function of the position, so that a reader sees from any two
// neighbours whether a token was lost, repeated or moved, and so that a continuation can be checked
// byte by byte: whoever asks for the rest of an answer must hand back exactly what came before it.

/** `plain` is ` w<n>`; `rich` adds what breaks careless readers: see `wordAt`. */
export type WordForm = 'plain' | 'rich'

/** `w` numbers the words of the answer, `t` those of the thinking before it. */
export interface Vocabulary {
  readonly letter: 'w' | 't'
  readonly form: WordForm
}

/** Where an answer goes on: with `rest`, what is still missing of the word at `position`. */
export interface Place {
  readonly position: number
  readonly rest: string
}

/** Grows one token to any size; readers of an answer skip it. */
export const PADDING = '~'

/** One character of eight bytes in two code points, for lines that are cut inside a character. */
export const WAVE = '👋🏽'

const DECORATION = /~*(?:👋🏽)?/y

/**
 * Tells the token at a position, counted from 1: `w1`, ` w2`, ` w3` …
 *
 * In the rich form every 7th token also has two-byte letters, every 11th an emoji joined from
 * several code points, every 13th a quote, a backslash and a line break, every 17th the text
 * `data: [DONE]`, and every 19th ends in a letter whose combining accent begins the next token.
 */
export function wordAt(position: number, { letter, form }: Vocabulary): string {
  const plain = position === 1 ? `${letter}1` : ` ${letter}${position}`
  return form === 'plain' ? plain : richly(position, plain)
}

function richly(position: number, plain: string): string {
  let word = position > 1 && (position - 1) % 19 === 0 ? `\u0301${plain}` : plain
  if (position % 7 === 0) word += 'äß'
  if (position % 11 === 0) word += '👩‍🚒'
  if (position % 13 === 0) word += '"\\\n'
  if (position % 17 === 0) word += ' data: [DONE]'
  if (position % 19 === 0) word += 'e'
  return word
}

/**
 * Finds where an answer goes on that so far is `text`, which may end inside a word.
 *
 * The empty text goes on at 1. `undefined` when `text` is not the exact beginning of an answer;
 * padding and waves after its words do not count.
 */
export function placeAfter(text: string, vocabulary: Vocabulary): Place | undefined {
  let offset = 0
  for (let position = 1; ; position += 1) {
    const word = wordAt(position, vocabulary)
    if (!text.startsWith(word, offset)) {
      const begun = text.slice(offset)
      return word.startsWith(begun) ? { position, rest: word.slice(begun.length) } : undefined
    }
    DECORATION.lastIndex = offset + word.length
    DECORATION.exec(text)
    offset = DECORATION.lastIndex
  }
}

/** Reads the place from the last word alone: after `… w7` it is 8, without such a word it is 1. */
export function placeAfterLastWord(text: string, vocabulary: Vocabulary): Place {
  const last = new RegExp(`(?:^|\\s)${vocabulary.letter}(\\d{1,9})~*(?:${WAVE})?(\\s?)$`).exec(text)
  if (last === null) return { position: 1, rest: wordAt(1, vocabulary) }
  const position = Number(last[1]) + 1
  const word = wordAt(position, vocabulary)
  return { position, rest: last[2] === '' ? word : word.trimStart() }
}
