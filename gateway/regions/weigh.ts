// pure
// The first half of a decision, filter → cost → availability: what there is to say of each region
// for one request, before anybody chooses.

import type { Priority } from '#wire/region-api.ts'
import type { Place } from '../place/locate.ts'
import {
  type Availability,
  availabilityOf,
  estimatedLoad,
  type RegionState,
} from './availability.ts'
import { type CostedRegion, type CostFacts, orderByCost } from './cost.ts'
import type { DecisionOptions } from './decision-options.ts'
import { canonicalModel } from './model-name.ts'
import type { Lane, PreparedRegion, QueueSignals, Serving } from './region-facts.ts'
import { type ResidencyPolicy, satisfiesResidency } from './residency.ts'
import { expectedWaitMs } from './tie-score.ts'

/** A request, or what is left of it after attempts that failed, in search of a region. */
export interface DecisionRequest {
  readonly place: Pick<Place, 'location' | 'accuracyRadiusKm'>
  /** As the client wrote it. */
  readonly model: string
  readonly lane: Lane
  readonly priority: Priority
  readonly residency: ResidencyPolicy
  /** In [0, 1): by chance, or by the conversation, see `affinityX`. */
  readonly x: number
  /** In [0, 1), by chance: which regions a throttle leaves out. */
  readonly throttleDraw: number
  readonly nowMs: number
  /** When the first content must have come, on the clock of `nowMs`. */
  readonly deadlineMs: number
  /** Gateways that are alive, this one included. */
  readonly liveGateways: number
  /** Attempts so far, in their order; empty = this is the first. */
  readonly tried: readonly TriedRegion[]
  /** Put first if it passes the filter: the caller's key may say where to go. */
  readonly preferRegionId?: string | undefined
  /** Of the model that began the answer: nothing else may continue it. */
  readonly digest?: string | undefined
}

export interface TriedRegion {
  readonly regionId: string
  /** `lost-worker`: the region is sound and said itself that one of its workers was lost. */
  readonly outcome: 'failed' | 'overflow' | 'lost-worker'
}

/** Rules that hold whatever the need: a region that one of them bars is never sent anything. */
export type Bar = 'admin' | 'draining' | 'residency' | 'model' | 'version' | 'lane'

/** Rules about what the region could bear just now. */
export type Limit = 'limit' | 'throttle' | 'overfull'

/** The rule that keeps a region out of a request, the first that says so. */
export type Exclusion = Bar | 'state' | 'tried' | Limit

/** A region with all that is known of it for one request. It is an offer, see `pickRegion`. */
export interface WeighedRegion extends CostFacts {
  readonly prepared: PreparedRegion
  readonly regionId: string
  readonly state: RegionState
  /** What it can take of new work in this decision; 0 for one that a rule keeps out. */
  readonly availability: number
  /** `undefined` where it does not serve the model; then nothing is known of its load either. */
  readonly serving: Serving | undefined
  readonly factors: Availability | undefined
  readonly waitMs: number | undefined
  readonly excludedBy: Exclusion | undefined
  /** What keeps it out if nothing worse does. */
  readonly limitedBy: Limit | undefined
  /** How the last attempt there ended. */
  readonly tried: TriedRegion['outcome'] | undefined
}

/** Regions in the order of preference, and what each costs at the same place. */
export interface Ranking {
  readonly regions: readonly WeighedRegion[]
  readonly costs: readonly CostedRegion[]
}

/** Weighs all regions, in their order. */
export function weighAll(
  request: DecisionRequest,
  candidates: readonly PreparedRegion[],
  options: DecisionOptions,
): WeighedRegion[] {
  const model = canonicalModel(request.model)
  return candidates.map((prepared, at) => weigh(prepared, { request, model, at, options }))
}

interface Weighing {
  readonly request: DecisionRequest
  readonly model: string
  /** The region's place in the list, for draws that differ from region to region. */
  readonly at: number
  readonly options: DecisionOptions
}

function weigh(prepared: PreparedRegion, weighing: Weighing): WeighedRegion {
  const { request, model } = weighing
  const { region, state, rttMs, reportAtMs } = prepared.facts
  const serving = prepared.servingOf(model)
  const est = serving && estimatedLoad(serving.load, serving.signals, request.liveGateways)
  const factors =
    serving && est !== undefined ? factorsOf(prepared, serving, est, weighing) : undefined
  const limitedBy = serving && limitOf(serving.signals, weighing)
  const tried = outcomeAt(region.id, request.tried)
  const rest = tried === undefined ? limitedBy : 'tried'
  const excludedBy = barOf(prepared, serving, request) ?? (isServing(state) ? rest : 'state')
  return {
    prepared,
    regionId: region.id,
    state,
    availability: excludedBy === undefined && factors !== undefined ? factors.avail : 0,
    serving,
    factors,
    waitMs: serving && est !== undefined ? waitFor(serving, est) : undefined,
    excludedBy,
    limitedBy,
    tried,
    rttEwmaMs: rttMs,
    rttAgeMs: request.nowMs - reportAtMs,
    tieScore: serving?.tie?.tieScore,
  }
}

function factorsOf(
  { facts, degraded }: PreparedRegion,
  { slots, workers }: Serving,
  est: number,
  { request, options }: Weighing,
): Availability {
  const { nowMs, lane } = request
  const { readySinceMs } = facts
  const laneReadySinceMs = facts.laneReadySinceMs[lane]
  return availabilityOf(
    {
      slots,
      est,
      workers,
      degraded: degraded[lane],
      capacityScaler: facts.region.capacityScaler,
      state: facts.state,
      reportAgeMs: nowMs - facts.reportAtMs,
      readyForMs: readySinceMs === undefined ? undefined : nowMs - readySinceMs,
      laneReadyForMs: laneReadySinceMs === undefined ? undefined : nowMs - laneReadySinceMs,
    },
    options,
  )
}

function waitFor({ slots, serviceMeanMs }: Serving, estimated: number): number {
  return expectedWaitMs({ estimated, slots, serviceMeanMs })
}

function outcomeAt(
  regionId: string,
  tried: readonly TriedRegion[],
): TriedRegion['outcome'] | undefined {
  return tried.length === 0
    ? undefined
    : tried.findLast((attempt) => attempt.regionId === regionId)?.outcome
}

/** Whether new work goes to a region in this state as a matter of course. */
function isServing(state: RegionState): boolean {
  return state === 'healthy' || state === 'suspect'
}

function barOf(
  { facts }: PreparedRegion,
  serving: Serving | undefined,
  { residency, lane, digest }: DecisionRequest,
): Bar | undefined {
  const { region, state, report } = facts
  if (region.admin !== 'active') return 'admin'
  if (state === 'draining' || report?.draining) return 'draining'
  if (!satisfiesResidency(region.residencyTags, residency)) return 'residency'
  if (!serving?.isAsConfigured) return 'model'
  // Where the workers disagree the digest is '', which no answer was begun with.
  if (digest !== undefined && (serving.digest === '' || serving.digest !== digest)) return 'model'
  if (!facts.speaksOurWire) return 'version'
  return facts.accepts[lane] ? undefined : 'lane'
}

/** Steps that never fall on one another: one number drawn becomes one for each region. */
const GOLDEN_SECTION = 0.618_033_988_75

function limitOf(signals: QueueSignals, { request, at }: Weighing): Limit | undefined {
  if (signals.isOverfull) return 'overfull'
  if (signals.inFlight >= signals.inFlightLimit) return 'limit'
  const skip = signals.skipProbability(request.nowMs)
  if (skip === 0) return undefined
  return (request.throttleDraw + at * GOLDEN_SECTION) % 1 < skip ? 'throttle' : undefined
}

/** Whether a rule keeps a region out that holds whatever the need. */
export function isBarred({ excludedBy }: WeighedRegion): boolean {
  switch (excludedBy) {
    case undefined: // First, because it is nearly always this one.
      return false
    case 'admin':
    case 'draining':
    case 'residency':
    case 'model':
    case 'version':
    case 'lane':
      return true
    case 'state':
    case 'tried':
    case 'limit':
    case 'throttle':
    case 'overfull':
      return false
    default:
      return excludedBy satisfies never
  }
}

/** Whether a region that is not barred is in rotation, tried or full as it may be. */
export function isInRotation({ state }: WeighedRegion): boolean {
  return isServing(state)
}

/** Orders regions by cost, those that are out of rotation included, and the preferred one first. */
export function rank(
  weighed: readonly WeighedRegion[],
  { place, preferRegionId }: DecisionRequest,
  { proximity, reportStaleMs }: DecisionOptions,
): Ranking {
  const byId = new Map<string, WeighedRegion>() // Filled in a loop: a list of pairs costs twice.
  for (const one of weighed) byId.set(one.regionId, one)
  const sites = weighed.map(({ prepared }) => prepared.facts.region)
  const byCost = orderByCost(place, sites, byId, { proximity, rttStaleMs: reportStaleMs })
  const costs = preferRegionId === undefined ? byCost : withFirst(preferRegionId, byCost)
  const regions: WeighedRegion[] = []
  for (const { regionId } of costs) {
    const one = byId.get(regionId)
    if (one !== undefined) regions.push(one)
  }
  return { regions, costs }
}

function withFirst(regionId: string, order: readonly CostedRegion[]): readonly CostedRegion[] {
  const first = order.filter((region) => region.regionId === regionId)
  return [...first, ...order.filter((region) => region.regionId !== regionId)]
}
