// pure
// Rules about all regions of a gateway together: no evidence, however good it looks, may take away
// so many of them that nobody can be served.

import { type HealthState, isInRotation } from './health-states.ts'

/** A region as the rules for all see it. */
export interface FleetMember {
  readonly regionId: string
  readonly kind: HealthState['kind']
  /** Neither switched off nor drained by an operator. */
  readonly isActive: boolean
  /** Its availability is above 0, as far as its last report can say. */
  readonly isAvailable: boolean
}

/**
 * Whether a region may be ejected, too: only a part of the active ones at once (rounded down, at
 * least one where there are two), and never the last that is available. Source: routing.md,
 * section 13.
 */
export function mayEject(
  regionId: string,
  members: readonly FleetMember[],
  ejectMaxShare: number,
): boolean {
  const active = members.filter(({ isActive }) => isActive)
  const ejected = active.filter(({ kind }) => kind === 'ejected').length
  const allowed = active.length < 2 ? 0 : Math.max(1, Math.floor(active.length * ejectMaxShare))
  if (ejected >= allowed) return false
  const serving = active.filter((member) => isInRotation(member) && member.isAvailable)
  return serving.some((member) => member.regionId !== regionId) || serving.length === 0
}

/** Whether any active region is healthy or suspect. */
export function isAnyInRotation(members: readonly FleetMember[]): boolean {
  return members.some((member) => member.isActive && isInRotation(member))
}

/** A region as this gateway lost it, and as the other gateways see it. */
export interface LostRegion {
  /** When it left the rotation here; `undefined` = it is in rotation. */
  readonly lostAtMs: number | undefined
  readonly isHealthyElsewhere: boolean
}

/** Losses within so short a time have one cause. */
const LOST_TOGETHER_MS = 5_000

/**
 * Whether a gateway has to suspect itself: it has lost every region, and those that the others see
 * healthy all within 5 s. It goes on serving, and only says that it is not ready. Source:
 * routing.md, section 15.
 */
export function suspectsItself(regions: readonly LostRegion[]): boolean {
  const times: number[] = []
  for (const { lostAtMs, isHealthyElsewhere } of regions) {
    if (lostAtMs === undefined) return false
    if (isHealthyElsewhere) times.push(lostAtMs)
  }
  return times.length > 0 && Math.max(...times) - Math.min(...times) <= LOST_TOGETHER_MS
}
