// pure
// The words for what a gateway thinks of a region, and what changes its mind. Which event leads
// from which state to which other stands in `next-health.ts`.

import type { LaneFlags } from '#wire/load-report.ts'
import {
  type EjectionLimits,
  type Ejections,
  NO_EJECTIONS,
  NO_EVIDENCE,
  type PassiveEvidence,
} from './ejection.ts'
import type { Evidence } from './evidence.ts'
import { type HoldDown, type HoldDownLimits, NO_DEPARTURES } from './hold-down.ts'
import { type LaneHealth, UNKNOWN_LANE } from './lane-health.ts'

/**
 * Why a region is suspect. `unknown`: nothing was heard of it yet. `spared`: it ought to be
 * ejected, and too many are already, or no other could serve.
 */
export type SuspectCause = 'unknown' | 'probes' | 'attempts' | 'spared'

/**
 * `healthy` and `suspect` are in rotation, the latter at half weight. `down` is out by probes,
 * `ejected` by requests. `probing` is being tried again. `draining` was told to finish.
 */
export type HealthState =
  | { readonly kind: 'healthy'; readonly sinceMs: number }
  | { readonly kind: 'suspect'; readonly sinceMs: number; readonly cause: SuspectCause }
  | { readonly kind: 'down'; readonly sinceMs: number; readonly cause: 'probes' | 'lane' | 'trial' }
  | { readonly kind: 'ejected'; readonly sinceMs: number; readonly untilMs: number }
  | {
      readonly kind: 'probing'
      readonly sinceMs: number
      /** Trial requests that it may still be given, and those that a worker started on. */
      readonly trialsLeft: number
      readonly trialsStarted: number
    }
  | { readonly kind: 'draining'; readonly sinceMs: number }

/** A state, and what must outlive it. */
export interface RegionHealth {
  readonly state: HealthState
  readonly lanes: LaneFlags<LaneHealth>
  /** When the region came back and its ramp began; `undefined` = it has none. */
  readonly rampSinceMs: number | undefined
  /** An operator has told it to finish. */
  readonly isDrained: boolean
  readonly memory: HealthMemory
}

/** What only the machine itself needs. */
export interface HealthMemory {
  readonly probes: ProbeStreak
  readonly failedProbeMs: number
  readonly evidence: PassiveEvidence
  readonly ejections: Ejections
  readonly holdDown: HoldDown
}

/** The newest probes with the same result: one of the two counts is 0. */
export interface ProbeStreak {
  readonly passed: number
  readonly failed: number
  readonly firstMs: number
  readonly lastMs: number
}

/** The state in which an attempt began: an old one that ends late is no trial. */
export type BegunIn = Pick<HealthState, 'kind' | 'sinceMs'>

export type HealthEvent =
  | {
      /** In time, valid and ready; what it says of itself is judged by state. */
      readonly kind: 'probe-passed'
      readonly isDraining: boolean
      readonly accepts: LaneFlags<boolean>
    }
  | { readonly kind: 'probe-failed' }
  | { readonly kind: 'attempt-begun' }
  | { readonly kind: 'attempt-started'; readonly begunIn: BegunIn }
  | {
      readonly kind: 'attempt-ended'
      readonly begunIn: BegunIn
      readonly lane: keyof LaneFlags<unknown>
      readonly hasStarted: boolean
      /** `undefined` = it says nothing of the region. */
      readonly evidence: Evidence | undefined
    }
  | { readonly kind: 'operator-drained' }
  | { readonly kind: 'operator-undrained' }
  | { readonly kind: 'time-passed' }

/** What a step depends on besides the region itself. */
export interface Moment {
  readonly nowMs: number
  /** In [0, 1): spreads ejection times. */
  readonly chance: number
  /** Whether any region of the fleet is healthy or suspect. */
  readonly isAnyInRotation: boolean
  /** Whether the fleet can do without this one, see `mayEject`. */
  readonly mayEject: boolean
}

export interface HealthLimits extends EjectionLimits, HoldDownLimits {
  /** So many failed probes in a row take a region out of rotation. */
  readonly probeFall: number
  /** So many good ones in a row, over so long a time, make it worth a trial. */
  readonly probeRise: number
  readonly probeRiseOverMs: number
  /** A lane that has accepted nothing for so long takes its region out of rotation. */
  readonly laneDownAfterMs: number
  /** Trial requests, and the time after which a region needs no more of them. */
  readonly trials: number
  readonly trialTimeMs: number
  /** The part of the active regions that may be ejected at once, 0..1. */
  readonly ejectMaxShare: number
}

/** What holds where nobody says otherwise. Source: routing.md, defaults. */
export const HEALTH_DEFAULTS: HealthLimits = Object.freeze({
  probeFall: 3,
  probeRise: 3,
  probeRiseOverMs: 3_000,
  laneDownAfterMs: 15_000,
  trials: 3,
  trialTimeMs: 5_000,
  ejectConsecutive: 5,
  ejectRatio: 0.5,
  ejectVolume: 20,
  ejectWindowMs: 10_000,
  ejectBaseMs: 30_000,
  ejectMaxMs: 300_000,
  ejectForgetMs: 300_000,
  ejectMaxShare: 0.5,
  holdDownMs: 15_000,
  holdDownMaxMs: 300_000,
  flapsMax: 3,
  flapWindowMs: 300_000,
})

/** Of a region that was not probed since something happened to it. */
export const NO_PROBES: ProbeStreak = Object.freeze({
  passed: 0,
  failed: 0,
  firstMs: 0,
  lastMs: 0,
})

/** Row 1: what is thought of a region that nothing is known about: try it, with half the weight. */
export function initialHealth(nowMs: number): RegionHealth {
  return {
    state: { kind: 'suspect', sinceMs: nowMs, cause: 'unknown' },
    lanes: { interactive: UNKNOWN_LANE, durable: UNKNOWN_LANE },
    rampSinceMs: undefined,
    isDrained: false,
    memory: {
      probes: NO_PROBES,
      failedProbeMs: Number.NEGATIVE_INFINITY,
      evidence: NO_EVIDENCE,
      ejections: NO_EJECTIONS,
      holdDown: NO_DEPARTURES,
    },
  }
}

/** Whether new work goes there as a matter of course. */
export function isInRotation({ kind }: Pick<HealthState, 'kind'>): boolean {
  return kind === 'healthy' || kind === 'suspect'
}

/** Whether an attempt began in a state as it is now, and not in one of the same kind before. */
export function isBegunIn(
  { begunIn }: { readonly begunIn: BegunIn },
  { kind, sinceMs }: HealthState,
): boolean {
  return begunIn.kind === kind && begunIn.sinceMs === sinceMs
}
