// Where broken invariants are collected: a run goes on, so that one seed tells all that it breaks.

import type { VirtualClock } from './virtual-clock.ts'

const KEPT_MAX = 20

export class Violations {
  readonly #clock: VirtualClock
  readonly #seed: number
  readonly found: string[] = []
  /** How often each invariant was looked at: one that never was has not been held. */
  readonly checks = new Map<number, number>()

  constructor(clock: VirtualClock, seed: number) {
    this.#clock = clock
    this.#seed = seed
  }

  /** Notes a look at an invariant of routing.md, section 20, by its number. */
  check(invariant: number, holds: boolean, says: () => string): void {
    this.checks.set(invariant, (this.checks.get(invariant) ?? 0) + 1)
    if (holds || this.found.length >= KEPT_MAX) return
    const atMs = this.#clock.nowMs.toFixed(1)
    this.found.push(`seed ${this.#seed} at ${atMs} ms, invariant ${invariant}: ${says()}`)
  }
}
