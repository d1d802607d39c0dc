import type { Region } from '../regions/region.ts'
import { farLimitMs } from './far-limits.ts'
import { type HealthLimits, type HealthState, initialHealth, nextHealth } from './health-states.ts'
import type { ProbeOutcome, RegionClient } from './region-client.ts'
import { initialView, isNewer, type RegionView, viewAfterReport } from './region-view.ts'

export interface ProbeOptions {
  readonly regions: readonly Region[]
  /** The clients of a region's ingresses, in the order of its list. */
  readonly clientsOf: (region: Region) => readonly RegionClient[]
  readonly everyMs: number
  readonly timeoutMs: number
  readonly limits: HealthLimits
  readonly nowMs: () => number
  /** In [0, 1): spreads the probes of several gateways. */
  readonly random: () => number
  readonly onHealthChange: (view: RegionView, from: HealthState['kind']) => void
}

export interface Probes {
  /** The newest view of every region, in the order of the list. Cheap. */
  views(): readonly RegionView[]
  viewOf(regionId: string): RegionView | undefined
  /** Resolved when each region has been asked once, whatever came of it. */
  readonly firstRound: Promise<void>
  close(): Promise<void>
}

/** Spread of the probes' interval: ± 20 %. */
const JITTER = 0.4
/**
 * A suspect region is asked quickly, with parts of interval and time limit. At the defaults one that
 * refuses connections is out of rotation after 1.2 + 0.3 + 0.3 = 1.8 s at most, and one that is
 * frozen after 1.2 + 0.8 + 0.64 + 0.64 = 3.3 s.
 */
const FAST = { interval: 0.3, timeout: 0.8 }
/** The round trip that is assumed before one was measured, in ms: the longest that limits know. */
const UNKNOWN_RTT_MS = 400

/** Asks every region for its load every second and keeps what it answered. Whoever starts closes. */
export function startProbes(options: ProbeOptions): Probes {
  const watches = options.regions.map((region) => new RegionWatch(region, options))
  const byId = new Map(watches.map((watch) => [watch.view.region.id, watch]))
  return {
    views: () => watches.map((watch) => watch.view),
    viewOf: (regionId) => byId.get(regionId)?.view,
    firstRound: Promise.all(watches.map((watch) => watch.start())).then(() => undefined),
    close: async () => {
      await Promise.all(watches.map((watch) => watch.stop()))
    },
  }
}

class RegionWatch {
  view: RegionView
  readonly #options: ProbeOptions
  readonly #clients: readonly RegionClient[]
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #tagsRevision: string | undefined
  #isStopped = false

  constructor(region: Region, options: ProbeOptions) {
    this.#options = options
    this.#clients = options.clientsOf(region)
    this.view = initialView(region, initialHealth(options.nowMs()))
  }

  async start(): Promise<void> {
    this.#running = this.#round()
    await this.#running
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #round(): Promise<void> {
    const { nowMs } = this.#options
    const startedMs = nowMs()
    const timeoutMs = this.#timeoutMs()
    const probes = this.#clients.map((client) => client.probe(timeoutMs, nowMs))
    const outcomes = await Promise.all(probes)
    if (this.#isStopped) return
    this.#follow(outcomes)
    await this.#refreshTags(outcomes)
    if (this.#isStopped) return
    const pauseMs = this.#intervalMs() - (nowMs() - startedMs)
    this.#timer = setTimeout(
      () => {
        this.#running = this.#round()
      },
      Math.max(0, pauseMs),
    )
  }

  get #isSuspect(): boolean {
    const { health } = this.view
    return health.kind === 'suspect' && health.failedProbes > 0
  }

  #timeoutMs(): number {
    const { timeoutMs } = this.#options
    const rttMs = this.view.rttMs ?? UNKNOWN_RTT_MS
    return farLimitMs(this.#isSuspect ? timeoutMs * FAST.timeout : timeoutMs, 3, rttMs)
  }

  #intervalMs(): number {
    const { everyMs, random } = this.#options
    return this.#isSuspect ? everyMs * FAST.interval : everyMs * (1 + JITTER * (random() - 0.5))
  }

  /** A region is as good as its best ingress: it failed when all of them did. */
  #follow(outcomes: readonly ProbeOutcome[]): void {
    const best = bestOf(outcomes)
    const { nowMs, limits, onHealthChange } = this.#options
    const now = nowMs()
    const from = this.view.health.kind
    const event = { kind: best === undefined ? 'probe-failed' : 'probe-passed' } as const
    const health = nextHealth(this.view.health, event, now, limits)
    if (best === undefined) {
      this.view = { ...this.view, health, problem: problemOf(outcomes) }
    } else if (isNewer(best.report, this.view.report)) {
      const { report, rttMs } = best
      this.view = viewAfterReport(this.view, { report, rttMs, health, nowMs: now })
    } else {
      this.view = { ...this.view, health, problem: undefined }
    }
    if (health.kind !== from) onHealthChange(this.view, from)
  }

  /** Asks the ingress whose report counted for its list of models when that has changed. */
  async #refreshTags(outcomes: readonly ProbeOutcome[]): Promise<void> {
    const best = bestOf(outcomes)
    if (best === undefined || best.report.modelsRevision === this.#tagsRevision) return
    const client = this.#clients[outcomes.indexOf(best)]
    if (client === undefined) return
    try {
      const tags = await client.fetchModels(this.#timeoutMs())
      this.view = { ...this.view, tags }
      this.#tagsRevision = best.report.modelsRevision
    } catch {
      // The next round asks again: the revision still differs.
    }
  }
}

type Passed = Extract<ProbeOutcome, { kind: 'passed' }>

/** The good probe that says the most for the region: better one that takes work than one that ends. */
function bestOf(outcomes: readonly ProbeOutcome[]): Passed | undefined {
  const good = outcomes.filter(
    (outcome): outcome is Passed => outcome.kind === 'passed' && outcome.report.ready,
  )
  const taking = good.find(({ report }) => !report.draining && report.accepts.interactive)
  return taking ?? good[0]
}

function problemOf(outcomes: readonly ProbeOutcome[]): string {
  for (const outcome of outcomes) {
    if (outcome.kind === 'failed') return outcome.reason
    if (!outcome.report.ready) return outcome.report.degradedReason ?? 'not ready'
  }
  return 'no ingress'
}
