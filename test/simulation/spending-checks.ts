// Invariant 4: retries are paid for, by the budget or by the loss of a region.

import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import type { AttemptRecord } from '../../gateway/request-context.ts'
import type { Violations } from './violations.ts'

const { retryFloor, retryShare, retryWindowMs, tenantRetryShare } = DECISION_DEFAULTS

/** Follows what the attempts of one gateway were paid by. */
export class SpendingChecks {
  readonly #violations: Violations
  readonly #firstsMs: number[] = []
  readonly #retriesMs: number[] = []
  readonly #inFlight = new Map<string, number>()
  readonly #grants = new Map<string, number>()

  constructor(violations: Violations) {
    this.#violations = violations
  }

  onBegun({ regionId, paidBy }: AttemptRecord, nowMs: number): void {
    add(this.#inFlight, regionId, 1)
    if (paidBy === 'first') this.#firstsMs.push(nowMs)
    if (paidBy !== 'budget') return
    this.#retriesMs.push(nowMs)
    const retries = countSince(this.#retriesMs, nowMs - retryWindowMs)
    const firsts = countSince(this.#firstsMs, nowMs - retryWindowMs)
    const isPaid = retries <= retryFloor + retryShare * firsts
    this.#violations.check(4, isPaid, () => `${retries} retries of ${firsts} requests`)
    // All requests are of one tenant, whose own part is the smaller one.
    const isOwn = retries <= Math.max(retryFloor, tenantRetryShare * firsts)
    this.#violations.check(4, isOwn, () => `${retries} retries of ${firsts} of one tenant`)
  }

  /** An attempt was granted another, wherever that one goes. */
  onGranted(failedRegionId: string): void {
    const left = add(this.#grants, failedRegionId, -1)
    this.#violations.check(4, left >= 0, () => `more grants than were lost at ${failedRegionId}`)
  }

  onEnded(regionId: string): void {
    const left = add(this.#inFlight, regionId, -1)
    this.#violations.check(6, left >= 0, () => `${left} in flight to ${regionId}`)
  }

  /** A region left `healthy`: what is in flight there at this moment may be tried once more. */
  onDeparture(regionId: string): void {
    add(this.#grants, regionId, this.#inFlight.get(regionId) ?? 0)
  }

  checkQuiet(): void {
    for (const [regionId, count] of this.#inFlight) {
      this.#violations.check(6, count === 0, () => `${count} still in flight to ${regionId}`)
    }
  }
}

function add(counts: Map<string, number>, key: string, more: number): number {
  const sum = (counts.get(key) ?? 0) + more
  counts.set(key, sum)
  return sum
}

function countSince(timesMs: readonly number[], fromMs: number): number {
  let count = 0
  for (let at = timesMs.length - 1; at >= 0 && (timesMs[at] ?? 0) >= fromMs; at -= 1) count += 1
  return count
}
