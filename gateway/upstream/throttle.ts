// pure

import { SlidingCount } from './sliding-count.ts'

export interface ThrottleOptions {
  /** How many times as often as it accepts a region may be asked before it is skipped. */
  readonly throttleFactor: number
  /** The window, in ms; no shorter than the slowest answers take. */
  readonly throttleWindowMs: number
}

/**
 * Spares a queue that refuses for being full, in the measure in which it refuses. What is in flight
 * counts as accepted until it is refused, else the first burst to a new region would throttle it.
 * Source: adaptive throttling, Site Reliability Engineering, "Handling Overload".
 */
export class Throttle {
  readonly #factor: number
  readonly #requests: SlidingCount
  readonly #refusals: SlidingCount

  constructor({ throttleFactor, throttleWindowMs }: ThrottleOptions) {
    this.#factor = throttleFactor
    this.#requests = new SlidingCount(throttleWindowMs)
    this.#refusals = new SlidingCount(throttleWindowMs)
  }

  /** To be called before the request is sent. */
  onRequest(nowMs: number): void {
    this.#requests.add(nowMs)
  }

  /** It was refused for overload; any other failure is none of this. */
  onRefusal(nowMs: number): void {
    this.#refusals.add(nowMs)
  }

  /** 0..1; 0 as long as less than half of what was sent has been refused, at the default factor. */
  skipProbability(nowMs: number): number {
    const refusals = this.#refusals.atMost(nowMs)
    if (refusals === 0) return 0
    const requests = this.#requests.atMost(nowMs)
    // A refusal may stay in the window longer than its request.
    const accepts = Math.max(0, requests - refusals)
    return Math.max(0, (requests - this.#factor * accepts) / (requests + 1))
  }
}
