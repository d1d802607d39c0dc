// One region as a gateway watches it: what is known of it and thought of it, and nothing that
// waits. Probes tell it what they brought (`probes.ts`), attempts how they went; it decides nothing
// itself.

import type { LoadReport } from '#wire/load-report.ts'
import type { Region } from '../regions/region.ts'
import type { Attempt, AttemptEvents } from './attempt.ts'
import {
  type EndpointEvent,
  type EndpointState,
  endpointsToUse,
  isRegionAtFault,
  NEW_ENDPOINT,
  nextEndpoint,
} from './endpoint-states.ts'
import {
  type BegunIn,
  type HealthEvent,
  type HealthLimits,
  type HealthState,
  initialHealth,
  type Moment,
  type RegionHealth,
} from './health-states.ts'
import { healthAfter, nextHealth, type PriorView } from './next-health.ts'
import {
  factsOf,
  initialView,
  type RegionView,
  type ViewFacts,
  viewAfterHealth,
  viewAfterReport,
} from './region-view.ts'

export interface WatchOptions {
  readonly limits: HealthLimits
  /** What the gateways thought of the region a moment ago; `undefined` = nobody says. */
  readonly prior: PriorView | undefined
  /** Time, chance, and what the other regions allow. */
  readonly moment: (regionId: string) => Moment
  /** Whether what is seen now may come from a pause of this process. */
  readonly isWaking: () => boolean
  readonly onStateChange: (watch: RegionWatch, from: HealthState) => void
}

/** What a probe of all endpoints of a region came to. */
export type RegionProbe =
  | {
      readonly kind: 'passed'
      readonly report: LoadReport
      readonly rttMs: number
      /**
       * Not one that came before, or should have: such a one shows that the region is there only.
       */
      readonly isNew: boolean
    }
  | { readonly kind: 'failed'; readonly problem: string }

/** Starts an attempt at the endpoint in that place of the region's list. */
export type StartAt = (endpoint: number, events: AttemptEvents) => Attempt

export class RegionWatch {
  readonly #options: WatchOptions
  #view: RegionView
  #facts: ViewFacts
  #health: RegionHealth
  #endpoints: readonly EndpointState[]
  #usable: readonly number[]
  #turn = 0

  constructor(region: Region, options: WatchOptions) {
    const { prior, limits, moment } = options
    const { nowMs } = moment(region.id)
    this.#options = options
    const health = prior === undefined ? initialHealth(nowMs) : healthAfter(prior, nowMs, limits)
    this.#health = { ...health, isDrained: region.admin === 'drain' }
    this.#view = initialView(region, this.#health)
    this.#facts = factsOf(this.#view)
    this.#endpoints = region.ingress.map(() => NEW_ENDPOINT)
    this.#usable = endpointsToUse(this.#endpoints)
  }

  get view(): RegionView {
    return this.#view
  }

  /** What a decision needs: the same object as long as nothing in it changes. */
  get facts(): ViewFacts {
    return this.#facts
  }

  /** Follows a probe of the region. */
  onProbe(probe: RegionProbe): void {
    if (probe.kind === 'failed') {
      this.#show({ ...this.#view, problem: probe.problem })
      this.#follow({ kind: 'probe-failed' })
      return
    }
    const { report, rttMs, isNew } = probe
    const { nowMs } = this.#options.moment(this.#view.region.id)
    this.#show(
      isNew
        ? viewAfterReport(this.#view, { report, rttMs, nowMs })
        : { ...this.#view, problem: undefined },
    )
    const { draining, accepts } = this.#view.report ?? report
    this.#follow({ kind: 'probe-passed', isDraining: draining, accepts })
  }

  onTags(tags: RegionView['tags']): void {
    this.#show({ ...this.#view, tags })
  }

  onEndpoint(at: number, event: EndpointEvent): void {
    const before = this.#endpoints[at]
    if (before === undefined) return
    const { limits, moment } = this.#options
    const after = nextEndpoint(before, event, moment(this.#view.region.id).nowMs, limits)
    if (after === before) return
    this.#endpoints = this.#endpoints.with(at, after)
    this.#usable = endpointsToUse(this.#endpoints)
  }

  /** Gives the clock a chance: some rows of the table are about time alone. */
  onTime(): void {
    this.#follow({ kind: 'time-passed' })
  }

  setDrained(isDrained: boolean): void {
    this.#follow({ kind: isDrained ? 'operator-drained' : 'operator-undrained' })
  }

  /**
   * Starts an attempt at one of the endpoints in turn, and follows it to its end. In a region that
   * is being tried again it is one of the trial requests.
   */
  attempt(start: StartAt, events: AttemptEvents): Attempt {
    this.#turn += 1
    const at = this.#usable[this.#turn % this.#usable.length] ?? 0
    const begunIn = this.#health.state
    let hasStarted = false
    this.#follow({ kind: 'attempt-begun' })
    const attempt = start(at, {
      onAccepted: () => events.onAccepted(),
      onStarted: (workerId) => {
        hasStarted = true
        this.#follow({ kind: 'attempt-started', begunIn })
        events.onStarted(workerId)
      },
      onFrame: (frame) => events.onFrame(frame),
    })
    attempt.outcome.then(() => this.#onAttemptEnded(attempt, { at, begunIn, hasStarted }))
    return attempt
  }

  #onAttemptEnded(
    attempt: Attempt,
    { at, begunIn, hasStarted }: { at: number; begunIn: BegunIn; hasStarted: boolean },
  ): void {
    const isOurs = this.#options.isWaking()
    const seen = isOurs ? undefined : attempt.evidence
    const isElsewhere = seen === 'connection' && !isRegionAtFault(this.#endpoints, at)
    if (seen === 'connection') this.onEndpoint(at, { kind: 'connection-failed' })
    else if (seen !== undefined) this.onEndpoint(at, { kind: 'reached' })
    const evidence = isElsewhere ? undefined : seen
    this.#follow({ kind: 'attempt-ended', begunIn, lane: 'interactive', hasStarted, evidence })
  }

  #follow(event: HealthEvent): void {
    const { limits, moment, onStateChange } = this.#options
    const from = this.#health.state
    this.#health = nextHealth(this.#health, event, moment(this.#view.region.id), limits)
    this.#show(viewAfterHealth(this.#view, this.#health))
    if (this.#health.state.kind !== from.kind) onStateChange(this, from)
  }

  #show(view: RegionView): void {
    if (view === this.#view) return
    this.#view = view
    this.#facts = factsOf(view)
  }
}
