// pure

import type { QueueLoad } from '#wire/load-report.ts'
import type { DecisionOptions } from '../regions/decision-options.ts'
import type { QueueSignals } from '../regions/region-facts.ts'
import { type InFlightLimit, NO_LIMIT, nextInFlightLimit } from './in-flight-limit.ts'
import { nextOverfull, OPEN_LATCH, type OverfullLatch } from './overfull-latch.ts'
import { Throttle } from './throttle.ts'

/**
 * What one gateway has learnt of one queue of one region by sending work there: one thing to tell
 * everything that happens to an attempt, and one for decisions to read. It outlives reports, and
 * the region's absence.
 */
export class QueueGate implements QueueSignals {
  readonly #options: DecisionOptions
  readonly #throttle: Throttle
  #limit: InFlightLimit = NO_LIMIT
  #latch: OverfullLatch = OPEN_LATCH
  #inFlight = 0
  #sent = 0
  #done = 0

  constructor(options: DecisionOptions) {
    this.#options = options
    this.#throttle = new Throttle(options)
  }

  /** A report was accepted; `slots` are those after the bound of `maxSlots`. */
  onReport(load: Pick<QueueLoad, 'slots' | 'busy' | 'queued' | 'queueLimit'>, nowMs: number): void {
    const { slots, queueLimit } = load
    this.#sent = 0
    this.#done = 0
    this.#limit = nextInFlightLimit(
      this.#limit,
      { kind: 'reported', slots, queueLimit },
      nowMs,
      this.#options,
    )
    this.#latch = nextOverfull(
      this.#latch,
      { kind: 'reported', ...load },
      this.#options.overfullRelease,
    )
  }

  /** An attempt is about to be sent. Every one of them must end with `onEnded`. */
  onSent(nowMs: number): void {
    this.#inFlight += 1
    this.#sent += 1
    this.#throttle.onRequest(nowMs)
  }

  /** A worker has started on it. */
  onStarted(nowMs: number): void {
    this.#limit = nextInFlightLimit(this.#limit, { kind: 'started-well' }, nowMs, this.#options)
  }

  /** The region refused it as `overflow`. */
  onOverflow(roundTripMs: number, nowMs: number): void {
    this.#latch = nextOverfull(this.#latch, { kind: 'refused' }, this.#options.overfullRelease)
    this.#throttle.onRefusal(nowMs)
    this.#slowDown(roundTripMs, nowMs)
  }

  /** The region said neither yes nor no within the accept limit. */
  onAcceptLimit(roundTripMs: number, nowMs: number): void {
    this.#slowDown(roundTripMs, nowMs)
  }

  /** The attempt is over, however it went. */
  onEnded(): void {
    this.#inFlight -= 1
    this.#done += 1
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get inFlightLimit(): number {
    return Math.floor(this.#limit.limit)
  }

  get isOverfull(): boolean {
    return this.#latch.kind === 'overfull'
  }

  get sentSinceReport(): number {
    return this.#sent
  }

  get doneSinceReport(): number {
    return this.#done
  }

  skipProbability(nowMs: number): number {
    return this.#throttle.skipProbability(nowMs)
  }

  #slowDown(roundTripMs: number, nowMs: number): void {
    this.#limit = nextInFlightLimit(
      this.#limit,
      { kind: 'overloaded', roundTripMs },
      nowMs,
      this.#options,
    )
  }
}
