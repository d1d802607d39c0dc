// pure
// How long a region must have answered well before it is tried again. One that comes and goes is
// worse than one that stays away: each return costs requests. So the time doubles with every
// departure that comes too soon after the others.

export interface HoldDownLimits {
  readonly holdDownMs: number
  readonly holdDownMaxMs: number
  /** So many departures within the window are bad luck; each further one doubles the time. */
  readonly flapsMax: number
  readonly flapWindowMs: number
}

/** The departures of one region, as far as they still matter. */
export interface HoldDown {
  /** Oldest first, and no more of them than can tell bad luck from flapping. */
  readonly departuresMs: readonly number[]
  readonly doublings: number
}

/** Of a region that has never left. */
export const NO_DEPARTURES: HoldDown = Object.freeze({ departuresMs: [], doublings: 0 })

/** Counts a departure: the region left the rotation, by probes or by requests. */
export function afterDeparture(before: HoldDown, nowMs: number, limits: HoldDownLimits): HoldDown {
  const { flapsMax, flapWindowMs } = limits
  const recent = before.departuresMs.filter((atMs) => nowMs - atMs < flapWindowMs).slice(-flapsMax)
  const kept = recent.length === 0 ? 0 : before.doublings
  return {
    departuresMs: [...recent, nowMs],
    doublings: recent.length >= flapsMax ? kept + 1 : kept,
  }
}

/**
 * The hold-down that holds now, in ms, to be counted from the last failed probe. It is the shortest
 * one again when the last departure has left the window.
 */
export function holdDownMs(
  { departuresMs, doublings }: HoldDown,
  nowMs: number,
  limits: HoldDownLimits,
): number {
  const lastMs = departuresMs.at(-1) ?? Number.NEGATIVE_INFINITY
  if (nowMs - lastMs >= limits.flapWindowMs) return limits.holdDownMs
  return Math.min(limits.holdDownMaxMs, limits.holdDownMs * 2 ** doublings)
}
