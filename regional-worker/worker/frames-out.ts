import { setTimeout } from 'node:timers/promises'
import { encodeRegionFailure, type RegionFailure } from '#wire/error-codes.ts'
import {
  type AlivePayload,
  encodeFrame,
  FRAME_PAYLOAD_BYTES_MAX,
  type FrameType,
  type StartedPayload,
} from '#wire/frames.ts'
import { splitAtLines } from './lines.ts'
import type { Outbox } from './outbox.ts'

/** After this long without a frame the worker says that it is alive, in ms. */
export const ALIVE_AFTER_MS = 1_000
/** Frames that cannot be sent for this long are not worth sending any more, in ms. */
export const UNSENT_MS_MAX = 3_000
/** The most that waits for the return of NATS, per piece of work, in bytes. */
export const UNSENT_BYTES_MAX = 262_144
const FLUSH_EVERY_MS = 50
/** At least this often a frame asks whether somebody still listens, in ms. */
const ASK_AFTER_MS = 1_000

export interface FramesOutOptions {
  readonly outbox: Pick<Outbox, 'publish' | 'publishSoon' | 'atTurnEnd'>
  /** The ingress's inbox for this attempt. */
  readonly inbox: string
  /** Where the server says that nobody listens to `inbox` any more. */
  readonly goneSubject: string
}

interface Message {
  readonly bytes: Buffer
  readonly asks: boolean
  /** Nobody waits for it: it may leave with the next frame. */
  readonly canWait: boolean
}

/**
 * Says in frames what becomes of one piece of work. Sequence numbers are given here, and nowhere is
 * a frame left out: what cannot be sent while NATS is away is kept for a moment, in order.
 */
export class FramesOut {
  readonly #options: FramesOutOptions
  #sequence = 0
  #lines: Buffer[] = []
  #unsent: Message[] = []
  #unsentBytes = 0
  #unsentSinceMs: number | undefined
  #lastFrameMs = 0
  #lastAskedMs = Number.NEGATIVE_INFINITY

  constructor(options: FramesOutOptions) {
    this.#options = options
  }

  started(workerId: string, nowMs: number): void {
    const payload: StartedPayload = { worker: workerId }
    this.#say('started', JSON.stringify(payload), nowMs)
  }

  /** Passes content on. What comes within one turn of the event loop shares a frame. */
  content(bytes: Buffer): void {
    if (this.#lines.length === 0) {
      this.#options.outbox.atTurnEnd(() => this.#sayLines(performance.now()))
    }
    this.#lines.push(bytes)
  }

  /** Says that the worker lives, if it has said nothing for a second. */
  aliveIfSilent(phase: AlivePayload['phase'], nowMs: number): void {
    if (nowMs - this.#lastFrameMs < ALIVE_AFTER_MS || this.#unsent.length > 0) return
    const payload: AlivePayload = { phase }
    this.#say('alive', JSON.stringify(payload), nowMs)
  }

  done(last: Buffer, nowMs: number): void {
    this.#sayLines(nowMs)
    this.#say('done', last, nowMs)
  }

  /** The model server's text goes along only where it is meant for the client. */
  failed(failure: RegionFailure, nowMs: number): void {
    this.#sayLines(nowMs)
    const { message, ...rest } = failure
    const said = failure.code === 'request-refused' ? failure : rest
    this.#say('failed', encodeRegionFailure(said), nowMs)
  }

  /** Tries again to send what is kept. True when nothing is left. */
  flush(nowMs: number): boolean {
    let message = this.#unsent[0]
    while (message !== undefined) {
      if (!this.#publish(message)) return false
      this.#unsent.shift()
      this.#unsentBytes -= message.bytes.length
      this.#lastFrameMs = nowMs
      message = this.#unsent[0]
    }
    this.#unsentSinceMs = undefined
    return true
  }

  /** Waits until nothing is left to send, or it is not worth sending any more. */
  async allSent(): Promise<void> {
    for (let nowMs = performance.now(); !this.flush(nowMs); nowMs = performance.now()) {
      if (this.isStuck(nowMs)) return
      await setTimeout(FLUSH_EVERY_MS)
    }
  }

  /** Whether frames wait for so long, or are so many, that the work should be given up. */
  isStuck(nowMs: number): boolean {
    if (this.#unsentSinceMs === undefined) return false
    return nowMs - this.#unsentSinceMs > UNSENT_MS_MAX || this.#unsentBytes > UNSENT_BYTES_MAX
  }

  #sayLines(nowMs: number): void {
    if (this.#lines.length === 0) return
    const [first = EMPTY] = this.#lines
    const lines = this.#lines.length === 1 ? first : Buffer.concat(this.#lines)
    this.#lines = []
    for (const part of splitAtLines(lines, FRAME_PAYLOAD_BYTES_MAX)) this.#say('delta', part, nowMs)
  }

  #say(type: FrameType, payload: Buffer | string, nowMs: number): void {
    this.#sequence += 1
    const bytes = encodeFrame(type, this.#sequence, payload)
    const asks = nowMs - this.#lastAskedMs >= ASK_AFTER_MS
    if (asks) this.#lastAskedMs = nowMs
    const message = { bytes, asks, canWait: type === 'started' }
    if (this.flush(nowMs) && this.#publish(message)) {
      this.#lastFrameMs = nowMs
      return
    }
    this.#unsent.push(message)
    this.#unsentBytes += bytes.length
    this.#unsentSinceMs ??= nowMs
  }

  #publish({ bytes, asks, canWait }: Message): boolean {
    const { outbox, inbox, goneSubject } = this.#options
    // A frame with a reply subject is answered with "no responders" when the ingress is gone.
    const options = asks ? { reply: goneSubject } : undefined
    return canWait
      ? outbox.publishSoon(inbox, bytes, options)
      : outbox.publish(inbox, bytes, options)
  }
}

const EMPTY = Buffer.alloc(0)
