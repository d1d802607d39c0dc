// pure

import type { RegionState } from './availability.ts'
import type { CostedRegion } from './cost.ts'
import type { DecisionOptions } from './decision-options.ts'
import { sharesOf } from './waterfall.ts'
import {
  type DecisionRequest,
  type Exclusion,
  isBarred,
  type Ranking,
  rank,
  type WeighedRegion,
} from './weigh.ts'

/** Everything that was weighed about one region for one request. `undefined` = not known. */
export interface CandidateRow {
  readonly id: string
  readonly state: RegionState
  /** The rule that keeps the region out, the first that says so. */
  readonly excludedBy: Exclusion | undefined
  readonly geoMs: number
  readonly rttMs: number | undefined
  readonly costMs: number
  /** From 0; `undefined` for a region that is barred, which is in no group. */
  readonly group: number | undefined
  readonly tieScore: number
  readonly est: number | undefined
  readonly slots: number | undefined
  readonly u: number | undefined
  readonly waitMs: number | undefined
  readonly workers: number | undefined
  readonly capacityScaler: number | undefined
  readonly headroom: number | undefined
  readonly ramp: number | undefined
  readonly health: number | undefined
  readonly degraded: number | undefined
  /** The product of the factors, whether a rule keeps the region out or not. */
  readonly avail: number | undefined
  /** Its share of all new work that is asked this question; 0 where a rule keeps it out. */
  readonly share: number
  /** Infinity when there was no report. */
  readonly reportAgeMs: number
}

/** Tells a decision as a table: the candidates in their order, then the barred by their cost. */
export function rowsOf(
  weighed: readonly WeighedRegion[],
  order: Ranking,
  request: DecisionRequest,
  options: DecisionOptions,
): CandidateRow[] {
  const shares = sharesOf(order.regions)
  const barred = rank(weighed.filter(isBarred), request, options)
  return [
    ...order.costs.map((costed, at) => rowOf(order.regions[at], costed, shares[at])),
    ...barred.costs.map((costed, at) => rowOf(barred.regions[at], costed, undefined)),
  ].flat()
}

function rowOf(
  region: WeighedRegion | undefined,
  { geoMs, rttMs, costMs, tieScore, group }: CostedRegion,
  share: number | undefined,
): CandidateRow[] {
  if (region === undefined) return []
  const factors = region.factors ?? NOTHING_KNOWN
  return [
    {
      id: region.regionId,
      state: region.state,
      excludedBy: region.excludedBy,
      geoMs,
      rttMs,
      costMs,
      group: share === undefined ? undefined : group,
      tieScore,
      est: factors.est,
      slots: region.serving?.slots,
      u: factors.u,
      waitMs: region.waitMs,
      workers: factors.workers,
      capacityScaler: factors.capacityScaler,
      headroom: factors.headroom,
      ramp: factors.ramp,
      health: factors.health,
      degraded: factors.degraded,
      avail: factors.avail,
      share: share ?? 0,
      reportAgeMs: region.rttAgeMs ?? Number.POSITIVE_INFINITY,
    },
  ]
}

const NOTHING_KNOWN = {
  est: undefined,
  u: undefined,
  workers: undefined,
  capacityScaler: undefined,
  headroom: undefined,
  ramp: undefined,
  health: undefined,
  degraded: undefined,
  avail: undefined,
}
