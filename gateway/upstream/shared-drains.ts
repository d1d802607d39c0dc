// pure
// Which of two words on a region counts. Each gateway keeps all it has heard and tells whoever
// knows less, so nobody need be reachable when an operator speaks, and a store that forgot
// everything is told again. The newest word wins everywhere, in whatever order words arrive.

import type { DrainRecord } from './shared-view-records.ts'

/** Region id → the last word on it. A region that is missing was never spoken of. */
export type Drains = ReadonlyMap<string, DrainRecord>

export interface DrainNews {
  /** What the others know better than we. */
  readonly heard: Drains
  /** What we know better than the others, or alone. */
  readonly untold: Drains
}

/** Says of each region who knows better: what is known here, or what was read. */
export function compareDrains(known: Drains, read: Drains): DrainNews {
  return { heard: newerIn(read, known), untold: newerIn(known, read) }
}

/**
 * Makes an operator's new word on a region: newer than the last one known, also where that came
 * from a gateway whose clock is ahead.
 */
export function nextDrain(
  last: DrainRecord | undefined,
  { isDrained, by }: Pick<DrainRecord, 'isDrained' | 'by'>,
  wallClockMs: number,
): DrainRecord {
  return { isDrained, by, atMs: Math.max(wallClockMs, (last?.atMs ?? 0) + 1) }
}

/** The regions that are drained, with the word that did it. */
export function drainedIn(drains: Drains): Drains {
  return new Map([...drains].filter(([, { isDrained }]) => isDrained))
}

function newerIn(some: Drains, others: Drains): Drains {
  return new Map([...some].filter(([regionId, drain]) => isNewer(drain, others.get(regionId))))
}

/** Two words of one moment: the drain, which does less harm, then the names decide. */
function isNewer(drain: DrainRecord, than: DrainRecord | undefined): boolean {
  if (than === undefined) return true
  if (drain.atMs !== than.atMs) return drain.atMs > than.atMs
  if (drain.isDrained !== than.isDrained) return drain.isDrained
  return drain.by > than.by
}
