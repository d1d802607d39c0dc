// Regions and requests for tests of route decisions: everything is well unless a test says so.

import type { LoadReport, QueueLoad } from '#wire/load-report.ts'
import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import type { Region } from '../../gateway/regions/region.ts'
import {
  NO_SIGNALS,
  type PreparedRegion,
  prepareRegion,
  type QueueSignals,
  type RegionFacts,
} from '../../gateway/regions/region-facts.ts'
import { ANYWHERE } from '../../gateway/regions/residency.ts'
import type { DecisionRequest } from '../../gateway/regions/weigh.ts'

export const NOW_MS = 100_000
export const MODEL = 'qwen3'

/** What differs from a healthy region with 20 free slots in the Gulf of Guinea. */
export interface RegionSketch {
  readonly id: string
  readonly lat?: number
  readonly lon?: number
  readonly rttMs?: number | undefined
  readonly region?: Partial<Region>
  readonly facts?: Partial<RegionFacts>
  readonly report?: Partial<LoadReport>
  readonly queue?: Partial<QueueLoad>
  readonly digest?: string
  readonly serviceMeanMs?: number
  readonly signals?: Partial<QueueSignals>
}

export function regionOf({ id, lat = 0, lon = 0, region = {} }: RegionSketch): Region {
  return {
    id,
    name: id,
    lat,
    lon,
    residencyTags: [],
    ingress: [`https://ingress.${id}.example:7443`],
    bias: 0,
    capacityScaler: 1,
    admin: 'active',
    models: new Map(),
    maxSlots: 256,
    ...region,
  }
}

export function reportOf(sketch: RegionSketch): LoadReport {
  const { id, queue = {}, digest = 'abc', serviceMeanMs = 2_000, report = {} } = sketch
  return {
    nonce: '0123456789abcdef',
    region: id,
    ingress: 'i1',
    epoch: 1,
    seq: 1,
    ready: true,
    wire: { min: 1, max: 1 },
    version: '0.1.0',
    queues: {
      cpu: {
        slots: 20,
        busy: 0,
        queued: 0,
        queueLimit: 10,
        oldestWaitMs: 0,
        workers: { healthy: 2, total: 2 },
        ...queue,
      },
    },
    models: { 'qwen3:latest': { queue: 'cpu', digest, loaded: true, serviceMeanMs } },
    modelsRevision: '1',
    modelServer: { kind: 'ollama', version: '0.13.5' },
    accepts: { interactive: true, durable: true },
    publishP95Ms: { interactive: 2, durable: 2 },
    draining: false,
    eventLoopDelayMs: 1,
    ...report,
  }
}

export function factsOf(sketch: RegionSketch): RegionFacts {
  const signals: QueueSignals = { ...NO_SIGNALS, ...sketch.signals }
  return {
    region: regionOf(sketch),
    state: 'healthy',
    trialsLeft: 0,
    readySinceMs: undefined,
    laneReadySinceMs: { interactive: undefined, durable: undefined },
    report: reportOf(sketch),
    reportAtMs: NOW_MS - 500,
    accepts: { interactive: true, durable: true },
    speaksOurWire: true,
    models: new Map([['qwen3:latest', 'qwen3:latest']]),
    rttMs: 'rttMs' in sketch ? sketch.rttMs : 10,
    signalsOf: () => signals,
    ...sketch.facts,
  }
}

export function preparedOf(sketch: RegionSketch, options = DECISION_DEFAULTS): PreparedRegion {
  return prepareRegion(factsOf(sketch), undefined, NOW_MS, options)
}

/** Regions on the equator, each 1,000 km farther from the request than the one before. */
export function rowOfRegions(...sketches: RegionSketch[]): PreparedRegion[] {
  return sketches.map((sketch, at) => preparedOf({ lon: at * 9, ...sketch }))
}

export function requestOf(overrides: Partial<DecisionRequest> = {}): DecisionRequest {
  return {
    place: { location: { lat: 0, lon: 0 }, accuracyRadiusKm: 20 },
    model: MODEL,
    lane: 'interactive',
    priority: 'standard',
    residency: ANYWHERE,
    x: 0,
    throttleDraw: 0.5,
    nowMs: NOW_MS,
    deadlineMs: NOW_MS + 120_000,
    liveGateways: 1,
    tried: [],
    ...overrides,
  }
}
