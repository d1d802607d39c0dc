// One region as a simulated gateway watches it: the probes' timing is played, all that is thought
// of their answers is the gateway's own code.

import type { LoadReport } from '#wire/load-report.ts'
import { ReportGate, type ReportVerdict } from '../../gateway/regions/report-gate.ts'
import type { FleetMember } from '../../gateway/upstream/fleet-health.ts'
import {
  HEALTH_DEFAULTS,
  type HealthEvent,
  type HealthState,
  initialHealth,
  type Moment,
  type RegionHealth,
} from '../../gateway/upstream/health-states.ts'
import { nextHealth } from '../../gateway/upstream/next-health.ts'
import {
  factsOf,
  initialView,
  memberOf,
  type RegionView,
  type ViewFacts,
  viewAfterHealth,
  viewAfterReport,
} from '../../gateway/upstream/region-view.ts'
import type { RegionPlan } from './fault-plan.ts'

export interface Transition {
  readonly from: RegionHealth
  readonly to: RegionHealth
  readonly nowMs: number
}

export interface WatchDeps {
  nowMs(): number
  /** Time, chance, and what the other regions allow. */
  momentFor(regionId: string): Moment
  onChange(watch: SimulatedWatch, transition: Transition): void
}

export class SimulatedWatch {
  readonly plan: RegionPlan
  readonly #deps: WatchDeps
  readonly #gate: ReportGate
  #health: RegionHealth
  #view: RegionView
  #facts: ViewFacts
  /** Of the newest event that counts as one, as hold-down counts. */
  failedProbeMs = Number.NEGATIVE_INFINITY

  constructor(plan: RegionPlan, deps: WatchDeps) {
    const health = initialHealth(0)
    this.plan = plan
    this.#deps = deps
    this.#gate = new ReportGate(plan.site.id)
    this.#health = { ...health, isDrained: plan.site.admin === 'drain' }
    this.#view = initialView(plan.site, this.#health)
    this.#facts = factsOf(this.#view)
  }

  get view(): RegionView {
    return this.#view
  }

  get state(): HealthState {
    return this.#health.state
  }

  get facts(): ViewFacts {
    return this.#facts
  }

  get member(): FleetMember {
    return memberOf(this.#view)
  }

  /** Follows an answer. Returns what was made of the report. */
  onReport(report: LoadReport, rttMs: number): ReportVerdict {
    const verdict = this.#gate.judge(report)
    if (verdict === 'other-region' || verdict === 'out-of-bounds') {
      this.onProbeFailed()
      return verdict
    }
    const nowMs = this.#deps.nowMs()
    if (verdict === 'accepted') this.#show(viewAfterReport(this.#view, { report, rttMs, nowMs }))
    const { draining, accepts } = this.#view.report ?? report
    this.follow({ kind: 'probe-passed', isDraining: draining, accepts })
    return verdict
  }

  onProbeFailed(): void {
    this.failedProbeMs = this.#deps.nowMs()
    this.follow({ kind: 'probe-failed' })
  }

  follow(event: HealthEvent): void {
    const from = this.#health
    const moment = this.#deps.momentFor(this.plan.site.id)
    const to = nextHealth(from, event, moment, HEALTH_DEFAULTS)
    this.#health = to
    this.#show(viewAfterHealth(this.#view, to))
    if (to.state.kind === from.state.kind) return
    this.#deps.onChange(this, { from, to, nowMs: moment.nowMs })
  }

  #show(view: RegionView): void {
    if (view === this.#view) return
    this.#view = view
    this.#facts = factsOf(view)
  }
}
