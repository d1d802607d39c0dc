// pure
// Whether a lane of a region takes work. The report says so each second; in between, refusals do,
// because a lane without its leader fails every request until the next report.

/** What this gateway knows of one lane. */
export type LaneHealth =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'accepting'
      /** In a row, and since the last report. */
      readonly refusals: number
      /** When it began to accept again; `undefined` = it was never seen not to. */
      readonly rampSinceMs: number | undefined
    }
  | { readonly kind: 'refusing'; readonly sinceMs: number }

/** Of a region that has not been heard of. */
export const UNKNOWN_LANE: LaneHealth = Object.freeze({ kind: 'unknown' })

/** So many refusals in a row are believed before the next report. */
const REFUSALS_MAX = 2

/** Follows a report, which has the last word. Returns the same object when nothing changes. */
export function laneAfterReport(lane: LaneHealth, accepts: boolean, nowMs: number): LaneHealth {
  if (!accepts) return lane.kind === 'refusing' ? lane : { kind: 'refusing', sinceMs: nowMs }
  if (lane.kind === 'accepting') return lane.refusals === 0 ? lane : { ...lane, refusals: 0 }
  const rampSinceMs = lane.kind === 'refusing' ? nowMs : undefined
  return { kind: 'accepting', refusals: 0, rampSinceMs }
}

/** Follows an attempt that the lane refused as `not-accepting`. */
export function laneAfterRefusal(lane: LaneHealth, nowMs: number): LaneHealth {
  if (lane.kind !== 'accepting') return lane
  const refusals = lane.refusals + 1
  return refusals < REFUSALS_MAX ? { ...lane, refusals } : { kind: 'refusing', sinceMs: nowMs }
}

/** Follows an attempt that the region answered in any other way. */
export function laneAfterAnswer(lane: LaneHealth): LaneHealth {
  return lane.kind === 'accepting' && lane.refusals > 0 ? { ...lane, refusals: 0 } : lane
}
