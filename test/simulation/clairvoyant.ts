// Two schedulers that know what nobody can know. One is a bound: as if every region had the slots
// of all, one queue in front of them, and its place beside each client. The other obeys geography,
// and knows to the millisecond when every slot will be free.

import type { Demand } from './demand.ts'
import type { ScaleMap } from './scale-map.ts'

/** What a request's start has cost, in ms, in the order of the demand. */
export interface Outcome {
  readonly waitMs: Float32Array
  readonly travelMs: Float32Array
  /** The region that served it. */
  readonly site: Uint16Array
}

/** No scheduler is better, on average: nearest travel for all, and one queue for all slots. */
export function lowerBound(map: ScaleMap, demand: Demand): Outcome {
  const slots = map.sites.reduce((sum, site) => sum + site.slots, 0)
  const queue = new FreeTimes(slots)
  const outcome = emptyOutcome(demand.atMs.length)
  for (const [request, atMs] of demand.atMs.entries()) {
    const place = demand.place[request] ?? 0
    const site = map.nearest[place] ?? 0
    outcome.site[request] = site
    outcome.travelMs[request] = map.travelMs[place * map.sites.length + site] ?? 0
    outcome.waitMs[request] = queue.serve(atMs, demand.serviceMs[request] ?? 0)
  }
  return outcome
}

/** Sends each request where travel and wait together are least, with all waits known exactly. */
export function clairvoyant(map: ScaleMap, demand: Demand): Outcome {
  const queues = map.sites.map(({ slots }) => new FreeTimes(slots))
  const outcome = emptyOutcome(demand.atMs.length)
  for (const [request, atMs] of demand.atMs.entries()) {
    const place = demand.place[request] ?? 0
    let [best, bestMs] = [0, Number.POSITIVE_INFINITY]
    for (const [site, queue] of queues.entries()) {
      const ms = (map.travelMs[place * queues.length + site] ?? 0) + queue.waitAt(atMs)
      if (ms >= bestMs) continue
      best = site
      bestMs = ms
    }
    outcome.site[request] = best
    outcome.travelMs[request] = map.travelMs[place * queues.length + best] ?? 0
    outcome.waitMs[request] = queues[best]?.serve(atMs, demand.serviceMs[request] ?? 0) ?? 0
  }
  return outcome
}

/** Room for the outcome of so many requests. */
export function emptyOutcome(requests: number): Outcome {
  return {
    waitMs: new Float32Array(requests),
    travelMs: new Float32Array(requests),
    site: new Uint16Array(requests),
  }
}

/** When each of some slots will be free, the first one on top of a binary heap. */
class FreeTimes {
  readonly #times: Float64Array

  constructor(slots: number) {
    this.#times = new Float64Array(slots)
  }

  waitAt(nowMs: number): number {
    return Math.max(0, (this.#times[0] ?? 0) - nowMs)
  }

  /** Gives the first free slot to a request. Returns its wait. */
  serve(nowMs: number, serviceMs: number): number {
    const waitMs = this.waitAt(nowMs)
    this.#replaceFirst(nowMs + waitMs + serviceMs)
    return waitMs
  }

  #replaceFirst(ms: number): void {
    const times = this.#times
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= times.length) break
      const [left = 0, right = Number.POSITIVE_INFINITY] = [times[below], times[below + 1]]
      if (right < left) below += 1
      const least = Math.min(left, right)
      if (least >= ms) break
      times[at] = least
      at = below
    }
    times[at] = ms
  }
}
