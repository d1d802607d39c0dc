// pure
// The state machine of a region: one for each, fed by probes and by requests. A step first notes
// what the event says (`health-notes.ts`), then looks for the one row of the table that applies in
// the state at hand. Rows bear the numbers of routing.md, section 14.2; there is no other way from
// one state to another.

import {
  afterEjection,
  afterHealthyTime,
  ejectionMs,
  isEnoughToEject,
  isInfrastructure,
  NO_EVIDENCE,
} from './ejection.ts'
import { noteEvent } from './health-notes.ts'
import {
  type HealthEvent,
  type HealthLimits,
  type HealthState,
  initialHealth,
  isBegunIn,
  type Moment,
  NO_PROBES,
  type RegionHealth,
  type SuspectCause,
} from './health-states.ts'
import { afterDeparture, holdDownMs } from './hold-down.ts'

/** So many connection failures in a row make a healthy region suspect. */
const CONNECTION_FALL = 2
/** So many good probes in a row clear a suspect one; the first ever is enough where none failed. */
const SUSPECT_RISE = 2
/** A view of another gateway that is older says nothing. */
const PRIOR_AGE_MS_MAX = 5_000

/** Follows one event, by one row of the table at most. What did not change is the same object. */
export function nextHealth(
  health: RegionHealth,
  event: HealthEvent,
  moment: Moment,
  limits: HealthLimits,
): RegionHealth {
  const noted = noteEvent(health, event, moment.nowMs, limits)
  const step: Step = { health: noted, event, moment, limits }
  const { state } = noted
  switch (state.kind) {
    case 'healthy':
    case 'suspect':
      return fromRotation(state, step)
    case 'down':
      return fromDown(step)
    case 'ejected':
      return fromEjected(state, step)
    case 'probing':
      return fromProbing(state, step)
    case 'draining':
      return fromDraining(step)
    default:
      return state satisfies never
  }
}

/** What the gateways thought of a region a moment ago, by the view that they share. */
export interface PriorView {
  readonly kind: HealthState['kind']
  readonly ageMs: number
}

/**
 * Row 1 where the gateways share a view: it is taken over as if its state began now. One that is
 * too old says nothing.
 */
export function healthAfter(
  { kind, ageMs }: PriorView,
  nowMs: number,
  limits: HealthLimits,
): RegionHealth {
  const health = initialHealth(nowMs)
  if (ageMs > PRIOR_AGE_MS_MAX) return health
  switch (kind) {
    case 'healthy':
      return { ...health, state: { kind, sinceMs: nowMs } }
    case 'suspect':
      return { ...health, state: { kind, sinceMs: nowMs, cause: 'probes' } }
    case 'down':
      return toDown(health, 'probes', nowMs)
    case 'ejected':
      return { ...health, state: { kind, sinceMs: nowMs, untilMs: nowMs + limits.ejectBaseMs } }
    case 'probing':
      return toProbing(health, nowMs, limits)
    case 'draining':
      return toDraining(health, nowMs)
    default:
      return kind satisfies never
  }
}

type In<Kind extends HealthState['kind']> = Extract<HealthState, { kind: Kind }>

interface Step {
  /** The event is noted in it already. */
  readonly health: RegionHealth
  readonly event: HealthEvent
  readonly moment: Moment
  readonly limits: HealthLimits
}

function fromRotation(state: In<'healthy' | 'suspect'>, step: Step): RegionHealth {
  const { health, event, moment, limits } = step
  const { nowMs } = moment
  const { probes, evidence } = health.memory
  if (isToldToFinish(health, event)) return toDraining(left(health, nowMs, limits), nowMs) // Row 8.
  const lane = health.lanes.interactive
  if (lane.kind === 'refusing' && nowMs - lane.sinceMs >= limits.laneDownAfterMs) {
    return toDown(departed(health, nowMs, limits), 'lane', nowMs) // Row 7.
  }
  const isFailure = event.kind === 'attempt-ended' && isInfrastructure(event.evidence)
  if (isFailure && isEnoughToEject(evidence, nowMs, limits)) {
    if (!moment.mayEject) return toSuspect(health, 'spared', nowMs, limits)
    return toEjected(departed(health, nowMs, limits), step) // Row 6.
  }
  if (state.kind === 'healthy') {
    // Row 3.
    if (event.kind === 'probe-failed') return toSuspect(health, 'probes', nowMs, limits)
    const isCut = isFailure && evidence.connectionFailures >= CONNECTION_FALL
    return isCut ? toSuspect(health, 'attempts', nowMs, limits) : health
  }
  if (probes.failed >= limits.probeFall) {
    return toDown(departed(health, nowMs, limits), 'probes', nowMs) // Row 5.
  }
  const enough = state.cause === 'unknown' ? 1 : SUSPECT_RISE
  if (probes.passed < enough) return health
  return { ...health, state: { kind: 'healthy', sinceMs: nowMs } } // Rows 2 and 4: no ramp.
}

function fromDown(step: Step): RegionHealth {
  const { health, moment, limits } = step
  const { failedProbeMs, holdDown } = health.memory
  const heldMs = moment.nowMs - failedProbeMs
  const isHeld = heldMs < holdDownMs(holdDown, moment.nowMs, limits)
  const isBack = hasRisen(health, limits) && !isHeld // Row 10.
  return isBack || isWaived(step) ? toProbing(health, moment.nowMs, limits) : health
}

function fromEjected({ untilMs }: In<'ejected'>, step: Step): RegionHealth {
  const { health, moment, limits } = step
  const { probes } = health.memory
  if (probes.failed >= limits.probeFall) return toDown(health, 'probes', moment.nowMs) // Row 5.
  const isBack = moment.nowMs >= untilMs && probes.passed > 0 // Row 11.
  return isBack || isWaived(step) ? toProbing(health, moment.nowMs, limits) : health
}

function fromProbing(state: In<'probing'>, step: Step): RegionHealth {
  const { health, event, moment, limits } = step
  const { nowMs, mayEject } = moment
  if (isToldToFinish(health, event)) return toDraining(health, nowMs) // Row 8.
  if (event.kind === 'probe-failed') return toDown(health, 'probes', nowMs) // Row 13.
  if (
    event.kind === 'attempt-ended' &&
    isBegunIn(event, state) &&
    isInfrastructure(event.evidence)
  ) {
    // Row 13. It stays out of rotation either way: where too many are ejected it is down.
    return mayEject ? toEjected(health, step) : toDown(health, 'trial', nowMs)
  }
  const isTimeOver = nowMs - state.sinceMs >= limits.trialTimeMs && state.trialsLeft > 0
  if (state.trialsStarted < limits.trials && !isTimeOver) return health
  return { ...health, state: { kind: 'healthy', sinceMs: nowMs }, rampSinceMs: nowMs } // Row 12.
}

function fromDraining({ health, event, moment, limits }: Step): RegionHealth {
  const { nowMs } = moment
  // Row 5.
  if (health.memory.probes.failed >= limits.probeFall) return toDown(health, 'probes', nowMs)
  if (event.kind !== 'probe-passed' || isToldToFinish(health, event)) return health
  return { ...health, state: { kind: 'healthy', sinceMs: nowMs }, rampSinceMs: nowMs } // Row 9.
}

function isToldToFinish({ isDrained }: RegionHealth, event: HealthEvent): boolean {
  return isDrained || (event.kind === 'probe-passed' && event.isDraining)
}

function hasRisen({ memory: { probes } }: RegionHealth, limits: HealthLimits): boolean {
  const overMs = probes.lastMs - probes.firstMs
  return probes.passed >= limits.probeRise && overMs >= limits.probeRiseOverMs
}

/** Row 14: where nobody else can serve, nobody is made to wait who can. */
function isWaived({ health, event, moment, limits }: Step): boolean {
  if (moment.isAnyInRotation) return false
  const hasStarted = event.kind === 'attempt-started' && isBegunIn(event, health.state)
  return hasStarted || hasRisen(health, limits)
}

/** Counts the time in good health that ends now. */
function left(health: RegionHealth, nowMs: number, limits: HealthLimits): RegionHealth {
  const { state, memory } = health
  if (state.kind !== 'healthy') return health
  const ejections = afterHealthyTime(memory.ejections, nowMs - state.sinceMs, limits)
  return { ...health, memory: { ...memory, ejections } }
}

/** Counts a departure from the rotation, which hold-down is about; a drain is none. */
function departed(health: RegionHealth, nowMs: number, limits: HealthLimits): RegionHealth {
  const next = left(health, nowMs, limits)
  const holdDown = afterDeparture(next.memory.holdDown, nowMs, limits)
  return { ...next, memory: { ...next.memory, holdDown } }
}

function toSuspect(
  health: RegionHealth,
  cause: SuspectCause,
  nowMs: number,
  limits: HealthLimits,
): RegionHealth {
  const { state } = health
  if (state.kind !== 'suspect') {
    return { ...left(health, nowMs, limits), state: { kind: 'suspect', sinceMs: nowMs, cause } }
  }
  return state.cause === cause ? health : { ...health, state: { ...state, cause } }
}

function toDown(health: RegionHealth, cause: In<'down'>['cause'], nowMs: number): RegionHealth {
  const { memory } = health
  return {
    ...health,
    state: { kind: 'down', sinceMs: nowMs, cause },
    rampSinceMs: undefined,
    // Whatever took it down counts as a failed probe, from which hold-down is counted.
    memory: { ...memory, probes: NO_PROBES, failedProbeMs: nowMs, evidence: NO_EVIDENCE },
  }
}

function toEjected(health: RegionHealth, { moment, limits }: Step): RegionHealth {
  const { nowMs, chance } = moment
  const { memory } = health
  const ejections = afterEjection(memory.ejections, limits)
  const untilMs = nowMs + ejectionMs(ejections, chance, limits)
  return {
    ...health,
    state: { kind: 'ejected', sinceMs: nowMs, untilMs },
    rampSinceMs: undefined,
    // Probes that passed while requests failed say nothing for it.
    memory: { ...memory, ejections, probes: NO_PROBES, evidence: NO_EVIDENCE },
  }
}

function toProbing(health: RegionHealth, nowMs: number, limits: HealthLimits): RegionHealth {
  const { trials } = limits
  const state = { kind: 'probing', sinceMs: nowMs, trialsLeft: trials, trialsStarted: 0 } as const
  return { ...health, state }
}

function toDraining(health: RegionHealth, nowMs: number): RegionHealth {
  return {
    ...health,
    state: { kind: 'draining', sinceMs: nowMs },
    rampSinceMs: undefined,
    memory: { ...health.memory, evidence: NO_EVIDENCE },
  }
}
