// pure

/** Beyond this round trip no limit grows any more. */
const RTT_MS_MAX = 400
/** What a far end may take of its own, besides the round trips. */
const WORK_MS = 200

/**
 * The limit of a phase that takes some round trips, grown for a region that is so far away that the
 * configured one would be too short for it: a connection alone takes three. `rttMs` is the mean
 * round trip; `undefined`, when nothing is known yet, leaves the limit as it is.
 * Source: routing.md, attempts.
 */
export function farLimitMs(limitMs: number, roundTrips: number, rttMs: number | undefined): number {
  if (rttMs === undefined) return limitMs
  return Math.max(limitMs, WORK_MS + roundTrips * Math.min(rttMs, RTT_MS_MAX))
}
