// pure

import type { Place } from '../place/locate.ts'
import { type Candidate, type Exclusion, exclusionOf } from './candidates.ts'
import { type CostedRegion, type CostFacts, type CostOptions, orderByCost } from './cost.ts'

export interface RankingInput {
  readonly place: Place
  /** `undefined` leaves the rule about models out, for a question that is not about one. */
  readonly model: string | undefined
  /** Regions that have been tried for this request. */
  readonly tried: readonly string[]
  readonly candidates: readonly Candidate[]
  readonly options: CostOptions
}

/** A region in the order of preference, with the rule that keeps it out, if one does. */
export interface RankedRegion extends CostedRegion {
  readonly state: string
  readonly excludedBy: Exclusion | undefined
}

/**
 * Orders all regions for one client, those that are kept out included: who asks sees the whole
 * table. Without regions it is empty.
 */
export function rankRegions({
  place,
  model,
  tried,
  candidates,
  options,
}: RankingInput): RankedRegion[] {
  const byId = new Map(candidates.map((candidate) => [candidate.region.id, candidate]))
  const facts = new Map(
    candidates.map(({ region, rttMs, rttAgeMs }): [string, CostFacts] => [
      region.id,
      { rttEwmaMs: rttMs, rttAgeMs },
    ]),
  )
  const regions = candidates.map(({ region }) => region)
  return orderByCost(place, regions, facts, options).flatMap((costed) => {
    const candidate = byId.get(costed.regionId)
    if (candidate === undefined) return []
    const excludedBy = exclusionOf(candidate, model, tried)
    return [{ ...costed, state: candidate.state, excludedBy }]
  })
}

/** The best region that may serve, or `undefined` when none may. */
export function bestRegion(input: RankingInput): string | undefined {
  const open = input.candidates.filter(
    (candidate) => exclusionOf(candidate, input.model, input.tried) === undefined,
  )
  return rankRegions({ ...input, candidates: open })[0]?.regionId
}
