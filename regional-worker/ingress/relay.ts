import type { ServerResponse } from 'node:http'
import { encodeRegionFailure } from '#wire/error-codes.ts'
import { encodeFrame, FRAME_BYTES_MAX, frameSequenceOf, frameTypeOf } from '#wire/frames.ts'
import { FRAMES_TYPE, WORKER_HEADER } from '#wire/region-api.ts'
import { answerFailure } from './failure-answer.ts'
import { FrameOrder } from './frame-order.ts'
import type { WorkFailed } from './work-failed.ts'

/** What became of a frame that was handed to the relay. */
export type Passage =
  | 'passed'
  /** Passed, and it was the last: `done`. */
  | 'done'
  /** It is the worker's own word that it failed. Not written: the end of the story does that. */
  | 'failed'
  /** Passed, but the reader is behind: nothing more should come until `whenDrained`. */
  | 'reader-behind'
  /** The reader is so far behind that waiting for it would cost too much memory. */
  | 'reader-lost'
  /** Dropped: it belongs to a rival that was cancelled. */
  | 'foreign'
  /** A number is missing or repeated, or it is no frame: the answer cannot go on. */
  | 'broken'

const LENGTH_BYTES = 4
/** How long a reader that was given up has to take the last frame, in ms. */
const LAST_FRAME_TIMEOUT_MS = 5_000

/** The response of one attempt: passes frames on as they are, in order, and never looks inside. */
export class Relay {
  readonly #response: ServerResponse
  readonly #readerBytesMax: number
  readonly #order = new FrameOrder()
  frames = 0
  bytes = 0

  /** `readerBytesMax`: the most bytes that may wait for the reader. */
  constructor(response: ServerResponse, readerBytesMax: number) {
    this.#response = response
    this.#readerBytesMax = readerBytesMax
  }

  /** Tells the gateway that the work waits in the queue. Nothing after the first frame. */
  sayQueued(): void {
    if (!this.#response.headersSent && !this.#response.destroyed) this.#response.writeProcessing()
  }

  /**
   * Passes the first frame on, with the headers before it: they leave in one write, at once.
   * Without a `Date`, which nobody reads on an inner link.
   */
  begin(worker: string, message: Uint8Array): Passage {
    if (!this.#response.destroyed) {
      this.#response.sendDate = false
      this.#response.writeHead(200, { 'content-type': FRAMES_TYPE, [WORKER_HEADER]: worker })
    }
    return this.pass(message)
  }

  /** Passes one more frame on. */
  pass(message: Uint8Array): Passage {
    const type = frameTypeOf(message)
    if (type === undefined || message.length > FRAME_BYTES_MAX) return 'broken'
    const place = this.#order.take(frameSequenceOf(message))
    if (place !== 'next') return place
    if (type === 'failed') return 'failed'
    const framed = withLength(message)
    this.#count(framed)
    if (type === 'done') {
      this.#response.end(framed) // One write with the end of the chunked body.
      return 'done'
    }
    if (this.#response.write(framed)) return 'passed'
    return this.waitingBytes > this.#readerBytesMax ? 'reader-lost' : 'reader-behind'
  }

  /** See `FrameOrder.admitRival`. */
  admitRival(): boolean {
    return this.#order.admitRival()
  }

  /** Bytes that were passed on and that the connection has not taken yet. */
  get waitingBytes(): number {
    return this.#response.writableLength
  }

  /** Calls `resume` once, when the reader has caught up; never when it goes away instead. */
  whenDrained(resume: () => void): void {
    this.#response.once('drain', resume)
  }

  /**
   * Ends the response badly, in the form that is still possible: a status, or a `failed` frame with
   * the next number. Nothing happens when it has ended or the caller has gone.
   */
  fail({ failure, frame }: WorkFailed): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return
    if (!response.headersSent) return answerFailure(response, failure)
    const last = frame ?? encodeFrame('failed', this.#order.next, encodeRegionFailure(failure))
    const framed = withLength(last)
    this.#count(framed)
    response.end(framed)
    if (failure.code !== 'slow-reader') return
    response.setTimeout(LAST_FRAME_TIMEOUT_MS, () => response.destroy())
  }

  #count(framed: Buffer): void {
    this.frames += 1
    this.bytes += framed.length
  }
}

/**
 * Puts the length before a frame, in one buffer: two writes would be two chunks of the body. The
 * copy is also what lets the connection to NATS reuse or free its own buffer.
 */
function withLength(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(LENGTH_BYTES + message.length)
  framed.writeUInt32BE(message.length)
  framed.set(message, LENGTH_BYTES)
  return framed
}
