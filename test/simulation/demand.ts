// Who asks when, from where, and how long the answer takes: the same for all strategies, and known
// in advance to the one that may know it.

import { Random } from './random.ts'
import { placeAt, type ScaleMap } from './scale-map.ts'

export interface Demand {
  readonly atMs: Float64Array
  readonly place: Uint16Array
  readonly serviceMs: Float32Array
}

export interface DemandOptions {
  readonly seed: number
  readonly requestsPerSecond: number
  readonly untilMs: number
  readonly serviceMeanMs: number
}

const SERVICE_SIGMA = 0.8

/** Draws all requests of a run. */
export function drawDemand(map: ScaleMap, options: DemandOptions): Demand {
  const { seed, requestsPerSecond, untilMs, serviceMeanMs } = options
  const random = new Random(seed, 1)
  const atMs: number[] = []
  let nowMs = random.exponential(1_000 / requestsPerSecond)
  for (; nowMs < untilMs; nowMs += random.exponential(1_000 / requestsPerSecond)) atMs.push(nowMs)
  return {
    atMs: Float64Array.from(atMs),
    place: Uint16Array.from(atMs, () => placeAt(map, random.next())),
    serviceMs: Float32Array.from(atMs, () => random.logNormal(serviceMeanMs, SERVICE_SIGMA)),
  }
}
