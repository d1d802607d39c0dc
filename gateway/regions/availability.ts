// pure
// How much of all new work a region can take, as a product of factors between 0 and 1. Each is kept
// by its name, because "why did nobody go there" is answered by the one that is small.

import type { DecisionOptions } from './decision-options.ts'

/** What a gateway thinks of a region, see `upstream/health-states.ts`. */
export type RegionState = 'healthy' | 'suspect' | 'down' | 'ejected' | 'probing' | 'draining'

/** What a report says of one queue, as far as availability depends on it. */
export interface QueueReport {
  /** Of healthy workers only; absent where a region does not count slots. */
  readonly slots?: number | undefined
  readonly workers: { readonly healthy: number; readonly total: number }
}

export interface AvailabilityFacts {
  /** `undefined` = the region does not count slots. */
  readonly slots: number | undefined
  /** Work in the queue's care by now, see `estimatedLoad`. */
  readonly est: number
  /** See `workersFactor` and `degradedFactor`, which change with a report only. */
  readonly workers: number
  readonly degraded: number
  /** An operator's word, 0..1. */
  readonly capacityScaler: number
  readonly state: RegionState
  readonly reportAgeMs: number
  /** Since the region, or its lane, came back; `undefined` = it was not away. */
  readonly readyForMs: number | undefined
  readonly laneReadyForMs: number | undefined
}

/** The factors of `avail`, and what they were made of. */
export interface Availability {
  readonly est: number
  /** Utilisation: 1 is every slot taken, Infinity no slots; `undefined` = they are not counted. */
  readonly u: number | undefined
  readonly workers: number
  readonly capacityScaler: number
  readonly headroom: number
  readonly ramp: number
  readonly health: number
  readonly degraded: number
  /** What `avail` would be if the region had nothing to do; 0 when it has no slots. */
  readonly unloaded: number
  readonly avail: number
}

/** Multiplies what is known of a region into its availability. Source: routing.md, availability. */
export function availabilityOf(facts: AvailabilityFacts, options: DecisionOptions): Availability {
  const { slots, est, workers, capacityScaler, degraded } = facts
  const u = slots === undefined ? undefined : slots > 0 ? est / slots : Number.POSITIVE_INFINITY
  const headroom = headroomFactor(u, facts, options)
  const ramp = rampFactor(facts, options)
  const health = healthFactor(facts.state, options)
  const unloaded = slots === 0 ? 0 : workers * capacityScaler * ramp * health * degraded
  const avail = unloaded * headroom
  return { est, u, workers, capacityScaler, headroom, ramp, health, degraded, unloaded, avail }
}

/**
 * How much work a queue has by now, as far as anybody can tell: what its last report said, and for
 * each live gateway what this one did there since. Without that all gateways run to the same
 * "empty" region until its next report.
 */
export function estimatedLoad(
  reported: { readonly busy: number; readonly queued: number },
  since: { readonly sentSinceReport: number; readonly doneSinceReport: number },
  liveGateways: number,
): number {
  const added = Math.max(0, since.sentSinceReport - since.doneSinceReport)
  return reported.busy + reported.queued + Math.max(1, liveGateways) * added
}

/** Fewer healthy workers than this part of all is no region to rely on. */
const HEALTHY_WORKERS_MIN = 0.25

/**
 * The factor for lost workers. Where slots are counted they are those of healthy workers, so a loss
 * must not count twice: it is all or nothing. Without slots the part of healthy workers is all that
 * is known, and a region keeps its full share until more than the overprovision is lost.
 */
export function workersFactor({ slots, workers }: QueueReport, options: DecisionOptions): number {
  const part = workers.total > 0 ? workers.healthy / workers.total : 0
  const healthy = slots === undefined ? part : part >= HEALTHY_WORKERS_MIN ? 1 : 0
  return Math.min(1, options.overprovision * healthy)
}

/** The factor for a lane in trouble: a reason was given, or it acknowledges slowly. */
export function degradedFactor(
  degradedReason: string | undefined,
  publishP95Ms: number | null,
  options: DecisionOptions,
): number {
  const isSlow = publishP95Ms !== null && publishP95Ms > options.degradedPublishP95Ms
  return degradedReason !== undefined || isSlow ? options.degradedWeight : 1
}

/** What is assumed of a region while this gateway itself was not looking. */
const BLIND_HEADROOM = 0.5

function headroomFactor(
  u: number | undefined,
  { state, reportAgeMs }: AvailabilityFacts,
  { utilizationSoft, utilizationHard, reportStaleMs }: DecisionOptions,
): number {
  if (u === Number.POSITIVE_INFINITY) return 0
  // Probes that had failed would have changed the state: nobody asked, because we were stopped.
  if (state === 'healthy' && reportAgeMs > reportStaleMs) return BLIND_HEADROOM
  if (u === undefined || u <= utilizationSoft) return 1
  return Math.max(0, (utilizationHard - u) / (utilizationHard - utilizationSoft))
}

function rampFactor(
  { readyForMs, laneReadyForMs }: AvailabilityFacts,
  { rampTimeMs, laneRampTimeMs, rampLeast }: DecisionOptions,
): number {
  return Math.min(
    rampAt(readyForMs, rampTimeMs, rampLeast),
    rampAt(laneReadyForMs, laneRampTimeMs, rampLeast),
  )
}

function rampAt(forMs: number | undefined, timeMs: number, least: number): number {
  if (forMs === undefined || forMs >= timeMs) return 1
  return Math.max(least, forMs / timeMs)
}

function healthFactor(state: RegionState, options: DecisionOptions): number {
  if (state === 'healthy') return 1
  return state === 'suspect' ? options.suspectWeight : 0
}

/**
 * Cuts what a report claims to what the region may claim at most, so that a compromised one cannot
 * attract the world. Every queue loses the same part, rounded down.
 */
export function boundedSlots(
  slots: Readonly<Record<string, number>>,
  maxSlots: number,
): { readonly slots: ReadonlyMap<string, number>; readonly excess: number } {
  const claimed = Object.entries(slots)
  const total = claimed.reduce((sum, [, count]) => sum + count, 0)
  const excess = Math.max(0, total - maxSlots)
  const part = excess > 0 ? maxSlots / total : 1
  return { slots: new Map(claimed.map(([name, n]) => [name, Math.floor(n * part)])), excess }
}
