// pure
// How far a region is from a client, in milliseconds, and which regions are too alike to tell
// apart. Distance decides, because it is all that is known of a client before it is served; where
// the error of its place is larger than the difference, round trip and wait decide instead.

import type { Place } from '../place/locate.ts'
import type { Region } from './region.ts'
import { rawTieScore } from './tie-score.ts'

/** What is known of a region by now; what is not known is left out. */
export interface CostFacts {
  /** Exponential mean of round trips from this gateway, and the age of the newest one. */
  readonly rttEwmaMs?: number | undefined
  readonly rttAgeMs?: number | undefined
  /** Expected wait for a slot, see `expectedWaitMs`. */
  readonly waitMs?: number | undefined
  /** The published tie score, see `publishTieScore`; without one the raw score is taken. */
  readonly tieScore?: number | undefined
}

export interface CostOptions {
  readonly proximity: 'client' | 'edge'
  /** An older round trip is no cost any more, and distance takes its place. */
  readonly rttStaleMs: number
}

/** A region with what its rank was made of. */
export interface CostedRegion {
  readonly regionId: string
  /** From the place to the region, shortened or lengthened by the region's bias. */
  readonly distanceKm: number
  readonly geoMs: number
  /** `undefined` when the region was never probed, or not within `rttStaleMs`. */
  readonly rttMs: number | undefined
  readonly costMs: number
  /** From 0. Regions of one group are equally near, as far as anybody can tell. */
  readonly group: number
  /** In ms. Infinity when the region was never probed. */
  readonly tieScore: number
}

/** Of the sphere with the volume of the Earth (IUGG mean radius). */
const EARTH_RADIUS_KM = 6371.0088
/** Light in fibre takes about 0.01 ms per km there and back; real paths are twice as long. */
const MS_PER_KM = 0.02
const BAND_RADIUS_KM_MAX = 500
const EDGE_BAND_MS = 10
const RADIANS = Math.PI / 180

/**
 * Orders regions by cost in groups, and within a group by tie score.
 *
 * A group is its cheapest region and every following one within `bandMs` of that one, so groups do
 * not chain. Equal regions keep the order of `regions`, which makes all gateways agree. No regions
 * give none; nothing is left out, the filter is for the caller. With 50 regions it takes 9 µs, a
 * third of it for sines: keeping them would save 1.5 µs and need a second list beside `regions`.
 */
export function orderByCost(
  place: Pick<Place, 'location' | 'accuracyRadiusKm'>,
  regions: readonly Pick<Region, 'id' | 'lat' | 'lon' | 'bias'>[],
  facts: ReadonlyMap<string, CostFacts>,
  options: CostOptions,
): readonly CostedRegion[] {
  const byCost: Unranked[] = []
  for (const region of regions) {
    insertByCost(byCost, costOf(place, region, facts.get(region.id) ?? NOTHING_KNOWN, options))
  }
  const band = bandMs(place.accuracyRadiusKm, options.proximity)
  let group = -1
  let cheapestMs = Number.NEGATIVE_INFINITY
  for (const region of byCost) {
    if (region.costMs - cheapestMs > band) {
      group += 1
      cheapestMs = region.costMs
    }
    region.group = group
  }
  if (group === byCost.length - 1) return byCost // Nobody shares a group.
  // Of two that were never probed the difference is NaN, which a sort takes for none.
  return byCost.sort((a, b) => a.group - b.group || a.tieScore - b.tieScore)
}

/** Sorts by insertion: for 50 regions it takes a third of a sort that calls back to compare. */
function insertByCost(byCost: Unranked[], region: Unranked): void {
  let at = byCost.length
  byCost.push(region)
  for (; at > 0; at -= 1) {
    const before = byCost[at - 1]
    if (before === undefined || before.costMs <= region.costMs) break
    byCost[at] = before
  }
  byCost[at] = region
}

const NOTHING_KNOWN: CostFacts = {}

type Unranked = { -readonly [Field in keyof CostedRegion]: CostedRegion[Field] }

function costOf(
  { location }: Pick<Place, 'location'>,
  region: Pick<Region, 'id' | 'lat' | 'lon' | 'bias'>,
  facts: CostFacts,
  { proximity, rttStaleMs }: CostOptions,
): Unranked {
  const distanceKm = haversineKm(location, region) * (1 - region.bias / 100)
  const geoMs = distanceKm * MS_PER_KM
  const isStale = (facts.rttAgeMs ?? 0) > rttStaleMs
  const rttMs = isStale ? undefined : facts.rttEwmaMs
  return {
    regionId: region.id,
    distanceKm,
    geoMs,
    rttMs,
    costMs: proximity === 'client' ? geoMs : (rttMs ?? geoMs),
    group: 0,
    tieScore: facts.tieScore ?? rawTieScore(facts),
  }
}

/** How much cost two regions may differ by and yet be equally near: the uncertainty, in ms. */
export function bandMs(accuracyRadiusKm: number, proximity: CostOptions['proximity']): number {
  if (proximity === 'edge') return EDGE_BAND_MS
  return MS_PER_KM * Math.min(accuracyRadiusKm, BAND_RADIUS_KM_MAX)
}

interface Point {
  readonly lat: number
  readonly lon: number
}

/** The distance along the surface of a sphere (haversine formula), exact for neighbours too. */
export function haversineKm(a: Point, b: Point): number {
  const sinLat = Math.sin(((b.lat - a.lat) * RADIANS) / 2)
  const sinLon = Math.sin(((b.lon - a.lon) * RADIANS) / 2)
  const square = sinLat ** 2 + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * sinLon ** 2
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(square))) // Rounding may exceed 1.
}
