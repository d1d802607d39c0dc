// The two ways an answer leaves: as a stream of lines, or whole at the end. Both are told the same
// story piece by piece, so that delays, breaks and cancellation act alike on either.

import type { ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type AnswerEnd,
  type AnswerHead,
  type AnswerShape,
  logprobOf,
  type TokenLogprob,
} from './answer-shapes.ts'
import { goJson } from './go-json.ts'
import { sendJson, sendText, writeAll } from './http-answers.ts'
import type { Piece } from './plan-answer.ts'
import { timestampAt } from './timestamps.ts'
import { WAVE } from './words.ts'

/** What an answer is told to, however it leaves; `finish`, `fail` or `stop` comes once, last. */
export interface AnswerWriter {
  /** Characters that wait for `flush`. */
  readonly bufferedChars: number
  /** Makes the next object no JSON. */
  malformNext(): void
  piece(piece: Piece): void
  /** Sends what waits. Rejects when the client has gone. */
  flush(): Promise<void>
  /** Ends as Ollama does when all went well. */
  finish(end: AnswerEnd): void
  /** Ends with an error: with this status if nothing was sent, else with a last line. */
  fail(status: number, message: string): void
  /** Ends cleanly, as if there had been nothing more to say. */
  stop(): void
}

/** Where an answer goes and how it looks there. */
export interface AnswerTarget {
  readonly res: ServerResponse
  readonly signal: AbortSignal
  readonly shape: AnswerShape
  /** As the client wrote it. */
  readonly model: string
  readonly topLogprobs: number | undefined
  /** Cuts what is flushed in the middle of its first wave. */
  readonly splitWaves: boolean
}

/** Between the two parts of a split character, so that they do not meet again in one packet. */
const SPLIT_PAUSE_MS = 5

/** Writes a stream; the status leaves with the first line. */
export class StreamWriter implements AnswerWriter {
  readonly #target: AnswerTarget
  #buffer = ''
  #position = 0
  #malformed = false

  constructor(target: AnswerTarget) {
    this.#target = target
  }

  get bufferedChars(): number {
    return this.#buffer.length
  }

  malformNext(): void {
    this.#malformed = true
  }

  piece(piece: Piece): void {
    this.#position += 1
    const { shape, topLogprobs } = this.#target
    const logprobs = logprobsOf(piece, this.#position, topLogprobs)
    this.#line(shape.delta(headOf(this.#target), piece, logprobs))
  }

  async flush(): Promise<void> {
    const text = this.#buffer
    if (text === '') return
    this.#buffer = ''
    this.#sendHead()
    const { res, signal, splitWaves } = this.#target
    if (splitWaves && text.includes(WAVE)) return writeSplit(res, text, signal)
    await writeAll(res, text, signal)
  }

  finish(end: AnswerEnd): void {
    this.#line(this.#target.shape.last(headOf(this.#target), [], end, undefined))
    this.stop()
  }

  fail(status: number, message: string): void {
    const { res } = this.#target
    if (!res.headersSent && this.#buffer === '') {
      res.writeHead(status, { 'content-type': 'application/json' })
      res.end(goJson({ error: message }))
      return
    }
    this.#line({ error: message })
    this.stop()
  }

  stop(): void {
    this.#sendHead()
    this.#target.res.end(this.#buffer)
  }

  #line(object: object): void {
    const json = goJson(object)
    this.#buffer += `${this.#malformed ? json.slice(0, json.length / 2) : json}\n`
    this.#malformed = false
  }

  #sendHead(): void {
    const { res } = this.#target
    if (res.headersSent) return
    // Before the body, because Node would count the length of an answer that is whole at once.
    res.writeHead(200, { 'content-type': 'application/x-ndjson' })
  }
}

/** Keeps the pieces and writes one object; nothing at all leaves before the end. */
export class WholeWriter implements AnswerWriter {
  readonly bufferedChars = 0
  readonly #target: AnswerTarget
  readonly #pieces: Piece[] = []
  #malformed = false

  constructor(target: AnswerTarget) {
    this.#target = target
  }

  malformNext(): void {
    this.#malformed = true
  }

  piece(piece: Piece): void {
    this.#pieces.push(piece)
  }

  async flush(): Promise<void> {}

  finish(end: AnswerEnd): void {
    const { res, shape, topLogprobs } = this.#target
    const logprobs = this.#pieces.flatMap((piece, at) => {
      return logprobsOf(piece, at + 1, topLogprobs) ?? []
    })
    const body = shape.last(
      headOf(this.#target),
      this.#pieces,
      end,
      logprobs.length === 0 ? undefined : logprobs,
    )
    if (!this.#malformed) return sendJson(res, 200, body)
    const json = goJson(body)
    sendText(res, 200, 'application/json; charset=utf-8', json.slice(0, json.length / 2))
  }

  fail(status: number, message: string): void {
    sendJson(this.#target.res, status, { error: message })
  }

  stop(): void {
    this.finish({ done: false, counters: {} })
  }
}

async function writeSplit(res: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  const bytes = Buffer.from(text)
  const cutAt = bytes.indexOf(WAVE) + 2 // Two of the four bytes of its first code point.
  await writeAll(res, bytes.subarray(0, cutAt), signal)
  await pause(SPLIT_PAUSE_MS, undefined, { signal })
  await writeAll(res, bytes.subarray(cutAt), signal)
}

function headOf({ model }: AnswerTarget): AnswerHead {
  return { model, created_at: timestampAt(performance.now()) }
}

function logprobsOf(
  piece: Piece,
  position: number,
  top: number | undefined,
): readonly TokenLogprob[] | undefined {
  if (top === undefined || piece.kind === 'tool-call') return undefined
  return [logprobOf(piece.text, position, top)]
}
