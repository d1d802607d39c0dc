// pure

import type { LoadReport } from '#wire/load-report.ts'
import { commonWireVersion, WIRE } from '#wire/version.ts'
import type { Candidate } from '../regions/candidates.ts'
import { canonicalModel } from '../regions/model-name.ts'
import type { Region } from '../regions/region.ts'
import { type HealthState, isInRotation } from './health-states.ts'

/** What this gateway knows of one region at one moment. */
export interface RegionView {
  readonly region: Region
  readonly health: HealthState
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
export function initialView(region: Region, health: HealthState): RegionView {
  return {
    region,
    health,
    report: undefined,
    reportAtMs: Number.NEGATIVE_INFINITY,
    rttMs: undefined,
    problem: 'not probed yet',
    models: new Map(),
    tags: [],
  }
}

/** Whether a report may replace the last one: the same ingress only ever moves forward. */
export function isNewer(report: LoadReport, last: LoadReport | undefined): boolean {
  if (last === undefined || report.ingress !== last.ingress) return true
  if (report.epoch !== last.epoch) return report.epoch > last.epoch
  return report.seq > last.seq
}

/** The view after a good probe. */
export function viewAfterReport(
  view: RegionView,
  facts: { report: LoadReport; rttMs: number; health: HealthState; nowMs: number },
): RegionView {
  const { report, rttMs, health, nowMs } = facts
  const mean = view.rttMs ?? rttMs
  const names = Object.keys(report.models)
  return {
    ...view,
    health,
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
