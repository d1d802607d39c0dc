// The world of the scale run: many regions in clusters, and clients that live near them, though not
// in the measure in which there is room.

import { haversineKm } from '../../gateway/regions/cost.ts'
import { Random } from './random.ts'

export interface ScaleSite {
  readonly id: string
  readonly lat: number
  readonly lon: number
  readonly slots: number
}

export interface ScaleMap {
  readonly sites: readonly ScaleSite[]
  readonly places: readonly { readonly lat: number; readonly lon: number }[]
  /** Sums of the places' parts of all demand, so that one random number picks a place. */
  readonly demandUpTo: Float64Array
  /** Round trip in ms between a place and a region: `travelMs[place * sites + site]`. */
  readonly travelMs: Float32Array
  readonly nearest: Uint16Array
}

const CLUSTERS = 24
const PLACES_PER_SITE = 10
const SLOTS = { least: 125, most: 400 }
const MS_PER_KM = 0.02

/** Draws the map. The same seed gives the same map. */
export function drawMap(seed: number, regions: number): ScaleMap {
  const random = new Random(seed)
  const clusters = Array.from({ length: CLUSTERS }, () => ({
    lat: random.between(-40, 60),
    lon: random.between(-180, 180),
  }))
  const near = (of: { lat: number; lon: number }, degrees: number) => ({
    lat: Math.max(-85, Math.min(85, of.lat + degrees * random.normal())),
    lon: of.lon + degrees * random.normal(),
  })
  const sites = Array.from({ length: regions }, (_, at) => ({
    id: `region-${at}`,
    ...near(random.pick(clusters), 5),
    slots: SLOTS.least + random.below(SLOTS.most - SLOTS.least),
  }))
  const places = sites.flatMap((site) =>
    Array.from({ length: PLACES_PER_SITE }, () => near(site, 2)),
  )
  // How many live somewhere has something to do with how much room there is, and not all.
  const pulls = sites.map(({ slots }) => slots * random.logNormal(1, 0.4))
  const demand = places.map((_, at) => pulls[Math.floor(at / PLACES_PER_SITE)] ?? 0)
  const travelMs = new Float32Array(places.length * regions)
  const nearest = new Uint16Array(places.length)
  for (const [place, from] of places.entries()) {
    let leastMs = Number.POSITIVE_INFINITY
    for (const [site, to] of sites.entries()) {
      const ms = MS_PER_KM * haversineKm(from, to)
      travelMs[place * regions + site] = ms
      if (ms >= leastMs) continue
      leastMs = ms
      nearest[place] = site
    }
  }
  return { sites, places, demandUpTo: sumsOf(demand), travelMs, nearest }
}

/** The place that a random number falls on. */
export function placeAt({ demandUpTo }: ScaleMap, x: number): number {
  let [from, to] = [0, demandUpTo.length - 1]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((demandUpTo[middle] ?? 1) <= x) from = middle + 1
    else to = middle
  }
  return from
}

function sumsOf(parts: readonly number[]): Float64Array {
  const total = parts.reduce((sum, part) => sum + part, 0)
  let sum = 0
  return Float64Array.from(parts, (part) => {
    sum += part / total
    return sum
  })
}
