// The ways to choose a region that are compared. The one that Meridian uses is `decide` itself,
// with everything that a gateway knows; the others are what one would write first.

import { decide } from '../../gateway/regions/decide.ts'
import type { DecisionOptions } from '../../gateway/regions/decision-options.ts'
import type { PreparedRegion, QueueSignals } from '../../gateway/regions/region-facts.ts'
import type { DecisionRequest } from '../../gateway/regions/weigh.ts'
import type { QueueGate } from '../../gateway/upstream/queue-gate.ts'

export type StrategyName = 'nearest-only' | 'least-loaded' | 'without-delta' | 'with-delta'

/** What one gateway knows, in the order of distance from the client. */
export interface Knowledge {
  readonly prepared: readonly PreparedRegion[]
  /** Busy and queued by the last report, as a part of the slots. */
  readonly reportedLoad: ArrayLike<number>
}

/** The place of the chosen region in the list; `undefined` = the request is refused. */
export type Choose = (
  request: DecisionRequest,
  known: Knowledge,
  options: DecisionOptions,
) => number | undefined

/** By name. The last two differ in what `signalsFor` lets them know. */
export const STRATEGIES: Readonly<Record<StrategyName, Choose>> = {
  'nearest-only': () => 0,
  'least-loaded': (_request, { reportedLoad }) => leastOf(reportedLoad),
  'without-delta': chooseByDecision,
  'with-delta': chooseByDecision,
}

/**
 * What a gateway may know of its own work. Limits and throttle are those of section 11, which the
 * queueing model of the specification leaves out; counts and latch are the gate's own.
 */
export function signalsFor(strategy: StrategyName, gate: QueueGate): QueueSignals {
  const countsDelta = strategy !== 'without-delta'
  return {
    get sentSinceReport() {
      return countsDelta ? gate.sentSinceReport : 0
    },
    get doneSinceReport() {
      return countsDelta ? gate.doneSinceReport : 0
    },
    get isOverfull() {
      return gate.isOverfull
    },
    inFlight: 0,
    inFlightLimit: Number.POSITIVE_INFINITY,
    skipProbability: () => 0,
  }
}

function chooseByDecision(
  request: DecisionRequest,
  { prepared }: Knowledge,
  options: DecisionOptions,
): number | undefined {
  const decision = decide(request, prepared, options)
  if (decision.mode === 'refused') return undefined
  return prepared.findIndex(({ facts }) => facts.region.id === decision.regionId)
}

/** Of equals the nearest. */
function leastOf(loads: ArrayLike<number>): number {
  let best = 0
  for (let at = 1; at < loads.length; at += 1) {
    if ((loads[at] ?? 0) < (loads[best] ?? 0)) best = at
  }
  return best
}
