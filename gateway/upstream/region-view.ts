// pure

import type { LoadReport } from '#wire/load-report.ts'
import { commonWireVersion, WIRE } from '#wire/version.ts'
import type { Candidate } from '../regions/candidates.ts'
import { canonicalModel } from '../regions/model-name.ts'
import type { Region } from '../regions/region.ts'
import type { RegionFacts } from '../regions/region-facts.ts'
import type { FleetMember } from './fleet-health.ts'
import { type HealthState, isInRotation, type RegionHealth } from './health-states.ts'
import type { LaneHealth } from './lane-health.ts'

/** What this gateway knows of one region at one moment. */
export interface RegionView {
  readonly region: Region
  readonly health: HealthState
  readonly lanes: RegionHealth['lanes']
  /** When the region came back and its ramp began; `undefined` = it has none. */
  readonly rampSinceMs: number | undefined
  /** An operator has told it to finish. */
  readonly isDrained: boolean
  /** Of the last good probe, kept while the region is down. */
  readonly report: LoadReport | undefined
  readonly reportAtMs: number
  /** Exponential mean of the probes' round trips, in ms. */
  readonly rttMs: number | undefined
  /** Why the last probe failed; `undefined` when it passed. */
  readonly problem: string | undefined
  /** Canonical name → name at the region, of every model in the report. */
  readonly models: ReadonlyMap<string, string>
  /** Entries of the region's `/api/tags`. */
  readonly tags: readonly Record<string, unknown>[]
}

/** Weight of the newest round trip in the mean. */
const RTT_ALPHA = 0.3

/** The view of a region before the first probe. */
export function initialView(region: Region, health: RegionHealth): RegionView {
  return {
    region,
    health: health.state,
    lanes: health.lanes,
    rampSinceMs: health.rampSinceMs,
    isDrained: health.isDrained,
    report: undefined,
    reportAtMs: Number.NEGATIVE_INFINITY,
    rttMs: undefined,
    problem: 'not probed yet',
    models: new Map(),
    tags: [],
  }
}

/** The view after a good probe. */
export function viewAfterReport(
  view: RegionView,
  facts: { readonly report: LoadReport; readonly rttMs: number; readonly nowMs: number },
): RegionView {
  const { report, rttMs, nowMs } = facts
  const mean = view.rttMs ?? rttMs
  const names = Object.keys(report.models)
  return {
    ...view,
    report,
    reportAtMs: nowMs,
    rttMs: mean + RTT_ALPHA * (rttMs - mean),
    problem: undefined,
    models:
      view.report?.modelsRevision === report.modelsRevision
        ? view.models
        : new Map(names.map((name) => [canonicalModel(name), name])),
  }
}

/**
 * The view after a step of the state machine. The same object when only the machine's memory has
 * changed, as it does with every request.
 */
export function viewAfterHealth(view: RegionView, health: RegionHealth): RegionView {
  const { state, lanes, rampSinceMs, isDrained } = health
  const isSame =
    view.health === state &&
    view.lanes === lanes &&
    view.rampSinceMs === rampSinceMs &&
    view.isDrained === isDrained
  return isSame ? view : { ...view, health: state, lanes, rampSinceMs, isDrained }
}

/** Whether the two builds can talk; yes while nothing is known. */
export function speaksOurWire(view: RegionView): boolean {
  return view.report === undefined || commonWireVersion(view.report.wire, WIRE) !== undefined
}

/** The part of a view that decides whether and where a request goes. */
export function candidateOf(view: RegionView, nowMs: number): Candidate {
  return {
    region: view.region,
    report: view.report,
    state: view.health.kind,
    isInRotation: isInRotation(view.health),
    speaksOurWire: speaksOurWire(view),
    models: view.models,
    rttMs: view.rttMs,
    rttAgeMs: nowMs - view.reportAtMs,
  }
}

/** What a decision knows of a region, less what this gateway learns by sending work there. */
export type ViewFacts = Omit<RegionFacts, 'signalsOf'>

/** What a view tells a decision. A region that an operator drains is barred in every state. */
export function factsOf(view: RegionView): ViewFacts {
  const { region, health, lanes, rampSinceMs, isDrained, report } = view
  return {
    region: isDrained && region.admin === 'active' ? { ...region, admin: 'drain' } : region,
    state: health.kind,
    trialsLeft: health.kind === 'probing' ? health.trialsLeft : 0,
    readySinceMs: rampSinceMs,
    laneReadySinceMs: {
      interactive: laneRampSinceMs(lanes.interactive),
      durable: laneRampSinceMs(lanes.durable),
    },
    report,
    reportAtMs: view.reportAtMs,
    accepts: {
      interactive: lanes.interactive.kind === 'accepting',
      durable: lanes.durable.kind === 'accepting',
    },
    speaksOurWire: speaksOurWire(view),
    models: view.models,
    rttMs: view.rttMs,
  }
}

function laneRampSinceMs(lane: LaneHealth): number | undefined {
  return lane.kind === 'accepting' ? lane.rampSinceMs : undefined
}

/** What a view tells the rules about all regions together. */
export function memberOf(view: RegionView): FleetMember {
  const { region, health, isDrained } = view
  return {
    regionId: region.id,
    kind: health.kind,
    isActive: region.admin === 'active' && !isDrained,
    isAvailable: isAvailable(view),
  }
}

/**
 * Whether the availability is above 0 for some model, as far as the last report can say; what has
 * been sent since is left out, which errs by a second.
 */
function isAvailable({ region, lanes, report }: RegionView): boolean {
  if (report === undefined || region.capacityScaler === 0) return false
  if (report.draining || lanes.interactive.kind !== 'accepting') return false
  return Object.values(report.queues).some(({ slots, busy, queued }) => busy + queued < slots)
}
