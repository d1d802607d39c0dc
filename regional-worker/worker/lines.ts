// pure
//
// Cuts Ollama's stream into lines without reading them: a token costs a look at its first and last
// byte and one search. Only a line that may end the stream is parsed.

import { FRAME_PAYLOAD_BYTES_MAX } from '#wire/frames.ts'
import { decodeUsage, type Usage } from './ollama-answers.ts'

/** The longest line, in bytes, its line break included: what one frame can carry. */
export const LINE_BYTES_MAX = FRAME_PAYLOAD_BYTES_MAX

export type StreamEnd =
  | { readonly kind: 'done'; readonly line: Buffer; readonly usage: Usage }
  /** Ollama's own error line, which comes after a status of 200. */
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'broken'; readonly why: 'malformed' | 'too-long' | 'no-done' }

export interface CutLines {
  /** The whole lines before the end, together and untouched; empty when there is none. */
  readonly content: Buffer
  /** Present once, when the stream has ended: whatever follows does not belong to the answer. */
  readonly end?: StreamEnd
}

/** Takes a stream in pieces that are cut anywhere, in the middle of a character too. */
export class LineCutter {
  #pieces: Buffer[] = []
  #bytes = 0

  push(chunk: Buffer): CutLines {
    const border = chunk.lastIndexOf(NEWLINE) + 1
    if (border === 0) {
      this.#keep(chunk)
      return this.#bytes > LINE_BYTES_MAX ? { content: NOTHING, end: TOO_LONG } : NO_LINES
    }
    const whole = this.#join(chunk.subarray(0, border))
    if (border < chunk.length) this.#keep(chunk.subarray(border))
    return examine(whole)
  }

  /** Says how the stream ended when the connection did: a last line may lack its line break. */
  finish(): StreamEnd {
    const rest = this.#join(NOTHING)
    return (rest.length > 0 ? endOf(rest) : undefined) ?? { kind: 'broken', why: 'no-done' }
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#bytes += piece.length
  }

  #join(last: Buffer): Buffer {
    if (this.#pieces.length === 0) return last
    const joined = Buffer.concat([...this.#pieces, last])
    this.#pieces = []
    this.#bytes = 0
    return joined
  }
}

/**
 * Cuts content into parts of at most `bytesMax`, at line breaks where there are any: no line is as
 * long, so only an answer that does not stream is cut within. What fits is returned as it is.
 */
export function splitAtLines(content: Buffer, bytesMax: number): Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  while (content.length - start > bytesMax) {
    const border = content.lastIndexOf(NEWLINE, start + bytesMax - 1) + 1
    const stop = border > start ? border : start + bytesMax
    parts.push(content.subarray(start, stop))
    start = stop
  }
  parts.push(content.subarray(start))
  return parts
}

const NEWLINE = 0x0a
const NOTHING = Buffer.alloc(0)
const NO_LINES: CutLines = { content: NOTHING }
const TOO_LONG: StreamEnd = { kind: 'broken', why: 'too-long' }
const MALFORMED: StreamEnd = { kind: 'broken', why: 'malformed' }

/**
 * Inside a JSON string the quotes are escaped, so text that talks of these keys does not look so.
 * Over the bytes as Latin-1 this takes 0.09 µs per token; three searches of the buffer, 0.5 µs.
 */
const END_MARK = /"done":\s*true|"error"/

function examine(whole: Buffer): CutLines {
  let start = 0
  while (start < whole.length) {
    const next = whole.indexOf(NEWLINE, start) + 1
    const end = next - start > LINE_BYTES_MAX ? TOO_LONG : endOf(whole.subarray(start, next))
    if (end !== undefined) return { content: whole.subarray(0, start), end }
    start = next
  }
  return { content: whole }
}

function endOf(line: Buffer): StreamEnd | undefined {
  if (!looksLikeObject(line)) return MALFORMED
  if (!END_MARK.test(line.toString('latin1'))) return undefined
  const value = parseObject(line)
  if (value === undefined) return MALFORMED
  if (typeof value.error === 'string') return { kind: 'error', message: value.error }
  if (value.done === true) return { kind: 'done', line, usage: decodeUsage(value) }
  return undefined // The keys belonged to something deeper, such as the arguments of a tool call.
}

const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const CARRIAGE_RETURN = 0x0d

function looksLikeObject(line: Buffer): boolean {
  let last = line.length - 1
  if (line[last] === NEWLINE) last -= 1
  if (line[last] === CARRIAGE_RETURN) last -= 1
  return line[0] === OPENING_BRACE && line[last] === CLOSING_BRACE
}

function parseObject(line: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line.toString()) as Record<string, unknown>
  } catch {
    return undefined
  }
}
