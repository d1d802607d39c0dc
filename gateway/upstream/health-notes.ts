// pure
// The first half of a step of the machine in `next-health.ts`: what an event adds to what is known,
// before anybody asks whether the state must change.

import type { LaneFlags } from '#wire/load-report.ts'
import { afterAttempt, isInfrastructure } from './ejection.ts'
import {
  type HealthEvent,
  type HealthLimits,
  isBegunIn,
  isInRotation,
  NO_PROBES,
  type RegionHealth,
} from './health-states.ts'
import {
  type LaneHealth,
  laneAfterAnswer,
  laneAfterRefusal,
  laneAfterReport,
} from './lane-health.ts'

/** Notes what an event says, whatever follows from it. */
export function noteEvent(
  health: RegionHealth,
  event: HealthEvent,
  nowMs: number,
  limits: HealthLimits,
): RegionHealth {
  const { state } = health
  switch (event.kind) {
    case 'probe-passed':
      return notePassedProbe(health, event, nowMs)
    case 'probe-failed':
      return noteFailedProbe(health, nowMs)
    case 'attempt-begun':
      return noteTrial(health, { left: -1, started: 0 }, limits)
    case 'attempt-started':
      return isBegunIn(event, state) ? noteTrial(health, { left: 0, started: 1 }, limits) : health
    case 'attempt-ended':
      return noteAttempt(health, event, nowMs, limits)
    case 'operator-drained':
      return health.isDrained ? health : { ...health, isDrained: true }
    case 'operator-undrained':
      return health.isDrained ? { ...health, isDrained: false } : health
    case 'time-passed':
      return health
    default:
      return event satisfies never
  }
}

function notePassedProbe(
  health: RegionHealth,
  { accepts }: Extract<HealthEvent, { kind: 'probe-passed' }>,
  nowMs: number,
): RegionHealth {
  const interactive = laneAfterReport(health.lanes.interactive, accepts.interactive, nowMs)
  const durable = laneAfterReport(health.lanes.durable, accepts.durable, nowMs)
  const next = withLanes(health, { interactive, durable })
  const { state, memory } = next
  // For a region that is down because of its lane such a probe is none that passed.
  if (state.kind === 'down' && state.cause === 'lane' && !accepts.interactive) {
    return noteFailedProbe(next, nowMs)
  }
  const { passed, firstMs } = memory.probes
  const probes = {
    passed: passed + 1,
    failed: 0,
    firstMs: passed === 0 ? nowMs : firstMs,
    lastMs: nowMs,
  }
  return { ...next, memory: { ...memory, probes } }
}

function noteFailedProbe(health: RegionHealth, nowMs: number): RegionHealth {
  const { memory } = health
  const { failed, firstMs } = memory.probes
  const probes = {
    passed: 0,
    failed: failed + 1,
    firstMs: failed === 0 ? nowMs : firstMs,
    lastMs: nowMs,
  }
  return { ...health, memory: { ...memory, probes, failedProbeMs: nowMs } }
}

function noteAttempt(
  health: RegionHealth,
  event: Extract<HealthEvent, { kind: 'attempt-ended' }>,
  nowMs: number,
  limits: HealthLimits,
): RegionHealth {
  const { evidence, hasStarted } = event
  const next = withLanes(health, lanesAfterAttempt(health.lanes, event, nowMs))
  const { state } = next
  if (state.kind === 'probing' && isBegunIn(event, state)) {
    // A trial that its client gave up, or that met a full queue, has tried nothing.
    const hasTried = hasStarted || isInfrastructure(evidence)
    return hasTried ? next : noteTrial(next, { left: 1, started: 0 }, limits)
  }
  if (evidence === undefined || !isInRotation(state)) return next
  const { memory } = next
  return {
    ...next,
    memory: {
      ...memory,
      evidence: afterAttempt(memory.evidence, evidence, nowMs, limits),
      // Good probes clear a suspicion only when no request has said otherwise since.
      probes: isInfrastructure(evidence) && memory.probes.passed > 0 ? NO_PROBES : memory.probes,
    },
  }
}

function lanesAfterAttempt(
  lanes: LaneFlags<LaneHealth>,
  { lane, evidence }: Extract<HealthEvent, { kind: 'attempt-ended' }>,
  nowMs: number,
): LaneFlags<LaneHealth> {
  if (evidence === undefined || isInfrastructure(evidence)) return lanes
  const before = lanes[lane]
  const after =
    evidence === 'not-accepting' ? laneAfterRefusal(before, nowMs) : laneAfterAnswer(before)
  return after === before ? lanes : { ...lanes, [lane]: after }
}

function withLanes(health: RegionHealth, lanes: LaneFlags<LaneHealth>): RegionHealth {
  const { interactive, durable } = health.lanes
  const isSame = interactive === lanes.interactive && durable === lanes.durable
  return isSame ? health : { ...health, lanes }
}

function noteTrial(
  health: RegionHealth,
  change: { readonly left: number; readonly started: number },
  { trials }: HealthLimits,
): RegionHealth {
  const { state } = health
  if (state.kind !== 'probing') return health
  // More may have begun than it was to be given; none of them is given back beyond the limit.
  const trialsLeft = Math.min(trials, Math.max(0, state.trialsLeft + change.left))
  const trialsStarted = state.trialsStarted + change.started
  return { ...health, state: { ...state, trialsLeft, trialsStarted } }
}
