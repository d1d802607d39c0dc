// Asks JetStream for work with one request for each free slot and queue. The client's own
// `consumer.next()` would do the same with a subscription of its own for each message, which the
// server must set up and take down again; here one subscription serves for the worker's life.

import { INTERACTIVE_STREAM, pullSubject, workerInboxPrefix } from '#wire/subjects.ts'
import type { Nats, NatsMessage } from '../nats-connection.ts'
import type { Outbox } from './outbox.ts'
import type { Slot, Slots } from './slots.ts'

/** How long a pull waits at the server, in ms. */
const PULL_EXPIRES_MS = 30_000
/** A pull without an answer for this long after its end is lost, in ms. */
const PULL_GRACE_MS = 1_000
/** Pause after a refusal, in ms, and how often lost pulls are looked for. */
export const PULL_PAUSE_MS = 250
const PULL_REQUEST = Buffer.from(JSON.stringify({ batch: 1, expires: PULL_EXPIRES_MS * 1e6 }))
const NAK = Buffer.from('-NAK')

export interface PullLoopOptions {
  readonly nats: Pick<Nats, 'publish' | 'subscribe' | 'onConnectionChange'>
  readonly outbox: Pick<Outbox, 'publish'>
  readonly workerId: string
  readonly queues: readonly string[]
  readonly slots: Slots
  /** Whether work may be taken now; what comes nevertheless is given back. */
  readonly isOpen: () => boolean
  /** Takes over a message that is not acknowledged yet, and the slot for it. */
  readonly onWork: (message: NatsMessage, slot: Slot) => void
  readonly onEvent: (event: PullEvent) => void
}

/** `asked`; `taken`; `returned`: no slot was free; `refused`: no such consumer, or no server. */
export type PullEvent = 'asked' | 'taken' | 'returned' | 'refused'

export interface PullLoop {
  /** Asks for as much as there are free slots. To be called whenever that may have changed. */
  fill(): void
  /** Ends the subscription. What is under way comes again for another worker. */
  close(): void
}

/** The pulls of one queue that the server holds. They end in the order of their beginning. */
interface Pulls {
  readonly queue: string
  lostAtMs: number[]
  pausedUntilMs: number
}

/** Starts to pull. Whoever calls closes. */
export function startPullLoop(options: PullLoopOptions): PullLoop {
  const loop = new RawPulls(options)
  loop.fill()
  return loop
}

class RawPulls implements PullLoop {
  readonly #options: PullLoopOptions
  readonly #inbox: string
  readonly #pulls: readonly Pulls[]
  readonly #unsubscribe: () => void
  readonly #sweep: NodeJS.Timeout
  #isClosed = false

  constructor(options: PullLoopOptions) {
    this.#options = options
    this.#inbox = `${workerInboxPrefix(options.workerId)}.pull`
    this.#pulls = options.queues.map((queue) => ({ queue, lostAtMs: [], pausedUntilMs: 0 }))
    this.#unsubscribe = options.nats.subscribe(`${this.#inbox}.*`, (message) => this.#take(message))
    this.#sweep = setInterval(() => this.#dropLost(), PULL_PAUSE_MS)
    options.nats.onConnectionChange(() => this.#startOver())
  }

  fill(): void {
    const { outbox, slots, isOpen, onEvent } = this.#options
    if (this.#isClosed || !isOpen()) return
    const nowMs = performance.now()
    for (const { queue, lostAtMs, pausedUntilMs } of this.#pulls) {
      if (nowMs < pausedUntilMs) continue
      while (lostAtMs.length < slots.free) {
        const reply = `${this.#inbox}.${queue}`
        if (!outbox.publish(pullSubject(INTERACTIVE_STREAM, queue), PULL_REQUEST, { reply })) return
        lostAtMs.push(nowMs + PULL_EXPIRES_MS + PULL_GRACE_MS)
        onEvent('asked')
      }
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#sweep)
    this.#unsubscribe()
  }

  /** The last token names the queue: in the stream's subject, and in the reply of a status. */
  #take(message: NatsMessage): void {
    const queue = message.subject.slice(message.subject.lastIndexOf('.') + 1)
    const pulls = this.#pulls.find((known) => known.queue === queue)
    pulls?.lostAtMs.shift()
    if (message.status === 0) this.#deliver(message)
    else if (message.status !== TIMED_OUT && message.status !== NO_MESSAGES) this.#pause(pulls)
    this.fill()
  }

  #deliver(message: NatsMessage): void {
    const { nats, slots, isOpen, onWork, onEvent } = this.#options
    const slot = isOpen() ? slots.take() : undefined
    if (slot === undefined) {
      nats.publish(message.reply, NAK) // At once: another worker waits for it, or we are closing.
      onEvent('returned')
      return
    }
    onEvent('taken')
    onWork(message, slot)
  }

  #pause(pulls: Pulls | undefined): void {
    this.#options.onEvent('refused')
    // The ingress creates what is missing; until then each sweep asks again.
    if (pulls !== undefined) pulls.pausedUntilMs = performance.now() + PULL_PAUSE_MS
  }

  #dropLost(): void {
    const nowMs = performance.now()
    for (const pulls of this.#pulls) {
      pulls.lostAtMs = pulls.lostAtMs.filter((lostAtMs) => nowMs < lostAtMs)
    }
    this.fill()
  }

  /** The server forgets the pulls of a connection that is gone. */
  #startOver(): void {
    for (const pulls of this.#pulls) pulls.lostAtMs = []
    this.fill()
  }
}

const NO_MESSAGES = 404
const TIMED_OUT = 408
