// pure

import type { Place } from '../place/locate.ts'
import type { Candidate } from '../regions/candidates.ts'
import type { CostOptions } from '../regions/cost.ts'
import { rankRegions } from '../regions/ranking.ts'
import type { RegionView } from '../upstream/region-view.ts'

/** One region as `GET /admin/regions` shows it. Times are ages in ms. */
export function regionRow(view: RegionView, nowMs: number): Record<string, unknown> {
  const { region, health, report, reportAtMs, rttMs, problem, models } = view
  return {
    id: region.id,
    name: region.name,
    location: { lat: region.lat, lon: region.lon },
    residencyTags: region.residencyTags,
    admin: region.admin,
    state: health.kind,
    stateForMs: Math.round(nowMs - health.sinceMs),
    problem: problem ?? null,
    rttMs: rttMs === undefined ? null : Math.round(rttMs * 10) / 10,
    reportAgeMs: report === undefined ? null : Math.round(nowMs - reportAtMs),
    draining: report?.draining ?? false,
    accepts: report?.accepts ?? null,
    queues: report?.queues ?? {},
    models: [...models.values()].sort(),
    modelServer: report?.modelServer ?? null,
    version: report?.version ?? null,
    ingress: region.ingress,
  }
}

/** What an address is asked about. */
export interface AddressQuestion {
  readonly ip: string
  readonly place: Place
  readonly candidates: readonly Candidate[]
  readonly options: CostOptions
}

/**
 * What `GET /admin/locate?ip=` answers: where an address is, and the regions best first; `score` is
 * the cost in ms. `undefined` for text that is no address.
 */
export function explainAddress(question: AddressQuestion): Record<string, unknown> | undefined {
  const { ip, place, candidates, options } = question
  if (place.unknownReason === 'unparsable') return undefined
  const ranked = rankRegions({ place, model: undefined, tried: [], candidates, options })
  return {
    ip,
    place: {
      source: place.source,
      countryIsoCode: place.countryIsoCode ?? null,
      continentCode: place.continentCode ?? null,
      location: place.location,
      accuracyRadiusKm: Number.isFinite(place.accuracyRadiusKm) ? place.accuracyRadiusKm : null,
      unknownReason: place.unknownReason ?? null,
    },
    regions: ranked.map(({ regionId, distanceKm, costMs, group, state, excludedBy }) => ({
      id: regionId,
      distanceKm: Math.round(distanceKm),
      state,
      score: Math.round(costMs * 100) / 100,
      group,
      excludedBy: excludedBy ?? null,
    })),
  }
}
