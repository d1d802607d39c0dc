// Asks every region how it is, and joins what one region is thought of with what the others allow.

import type { Region } from '../regions/region.ts'
import { ReportGate } from '../regions/report-gate.ts'
import { isAnyInRotation, mayEject } from './fleet-health.ts'
import type { HealthLimits, HealthState, Moment } from './health-states.ts'
import type { PriorView } from './next-health.ts'
import {
  isAskedFast,
  isWaking,
  nextPulse,
  type ProbeLimits,
  type Pulse,
  probeConnection,
  probeIntervalMs,
  probeLimitMs,
} from './probe-plan.ts'
import type { ProbeOutcome, RegionClient } from './region-client.ts'
import { memberOf, type RegionView } from './region-view.ts'
import { type RegionProbe, RegionWatch } from './region-watch.ts'

export interface ProbeOptions {
  readonly regions: readonly Region[]
  /** The clients of a region's ingresses, in the order of its list. */
  readonly clientsOf: (region: Region) => readonly RegionClient[]
  readonly plan: ProbeLimits
  readonly limits: HealthLimits
  readonly nowMs: () => number
  /** In [0, 1): spreads the probes of several gateways, and the ends of ejections. */
  readonly random: () => number
  /** What the gateways thought of a region a moment ago. */
  readonly priorOf?: (regionId: string) => PriorView | undefined
  readonly onHealthChange: (view: RegionView, from: HealthState['kind']) => void
}

export interface Probes {
  /** All regions, in the order of the list. */
  readonly watches: readonly RegionWatch[]
  watchOf(regionId: string): RegionWatch | undefined
  /** Resolved when each region has been asked once, whatever came of it. */
  readonly firstRound: Promise<void>
  close(): Promise<void>
}

/**
 * Asks every region for its load every second and keeps what it answered. Whoever starts closes.
 */
export function startProbes(options: ProbeOptions): Probes {
  const { limits, plan, nowMs, random, priorOf, onHealthChange } = options
  let pulse: Pulse = { beatMs: nowMs(), resumedMs: Number.NEGATIVE_INFINITY }
  const beat = (): Pulse => {
    const before = pulse
    pulse = nextPulse(pulse, nowMs(), plan)
    if (pulse.resumedMs !== before.resumedMs) for (const { loop } of pairs) loop.hurry()
    return pulse
  }
  const members = () => pairs.map(({ watch }) => memberOf(watch.view))
  const moment = (regionId: string): Moment => ({
    nowMs: nowMs(),
    get chance() {
      return random()
    },
    // Worked out when a step asks for it, which few steps do.
    get isAnyInRotation() {
      return isAnyInRotation(members())
    },
    get mayEject() {
      return mayEject(regionId, members(), limits.ejectMaxShare)
    },
  })
  const pairs: { readonly watch: RegionWatch; readonly loop: ProbeLoop }[] = []
  for (const region of options.regions) {
    const watch = new RegionWatch(region, {
      limits,
      prior: priorOf?.(region.id),
      moment,
      isWaking: () => isWaking(beat(), nowMs()),
      onStateChange: (changed, from) => {
        loop.onStateChange(from)
        onHealthChange(changed.view, from.kind)
      },
    })
    const loop = new ProbeLoop(watch, options.clientsOf(region), { plan, nowMs, random, beat })
    pairs.push({ watch, loop })
  }
  const byId = new Map(pairs.map(({ watch }) => [watch.view.region.id, watch]))
  return {
    watches: pairs.map(({ watch }) => watch),
    watchOf: (regionId) => byId.get(regionId),
    firstRound: Promise.all(pairs.map(({ loop }) => loop.start())).then(() => undefined),
    close: async () => {
      await Promise.all(pairs.map(({ loop }) => loop.stop()))
    },
  }
}

interface LoopOptions {
  readonly plan: ProbeLimits
  readonly nowMs: () => number
  readonly random: () => number
  /** Says that the timers run, and hears whether they did. */
  readonly beat: () => Pulse
}

/** One question to all endpoints of a region. */
interface Round {
  readonly startedMs: number
  /** By the endpoint's place in the list. */
  readonly outcomes: Map<number, RegionProbe>
  isCounted: boolean
}

/** The timers of one region's probes. Rounds may overlap. */
class ProbeLoop {
  readonly #watch: RegionWatch
  readonly #clients: readonly RegionClient[]
  readonly #options: LoopOptions
  readonly #gate: ReportGate
  readonly #running = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #rounds = 0
  #askedMs = 0
  /** When the newest of the good rounds was begun. */
  #passedFromMs = Number.NEGATIVE_INFINITY
  #tagsRevision: string | undefined
  #isAskingTags = false
  #isStopped = false

  constructor(watch: RegionWatch, clients: readonly RegionClient[], options: LoopOptions) {
    this.#watch = watch
    this.#gate = new ReportGate(watch.view.region.id)
    this.#clients = clients
    this.#options = options
  }

  start(): Promise<void> {
    return this.#ask()
  }

  /** Asks at once, whenever the next question was planned. */
  hurry(): void {
    if (!this.#isStopped) void this.#ask()
  }

  /** Plans anew. A region of which something bad was heard is asked at once. */
  onStateChange(from: HealthState): void {
    if (this.#isStopped) return
    const now = this.#options.nowMs()
    const { health } = this.#watch.view
    if (isAskedFast(health, now) && !isAskedFast(from, now)) this.hurry()
    else this.#planNext()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await Promise.all(this.#running)
  }

  /** Begins a round and plans the next; resolves when this one is over. */
  #ask(): Promise<void> {
    this.#askedMs = this.#options.nowMs()
    this.#planNext()
    const running = this.#round().finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  #planNext(): void {
    const { nowMs, random, plan } = this.#options
    clearTimeout(this.#timer)
    const now = nowMs()
    const { health } = this.#watch.view
    const intervalMs = probeIntervalMs(health, { nowMs: now, chance: random() }, plan)
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#askedMs + intervalMs - now))
  }

  #tick(): void {
    const rounds = this.#rounds
    this.#options.beat() // After a pause this asks all regions, this one included.
    this.#watch.onTime()
    if (this.#rounds === rounds) void this.#ask()
  }

  async #round(): Promise<void> {
    const { nowMs, plan } = this.#options
    this.#rounds += 1
    const round: Round = { startedMs: nowMs(), outcomes: new Map(), isCounted: false }
    const question = {
      timeoutMs: probeLimitMs(this.#watch.view.rttMs, plan),
      connection: probeConnection(this.#rounds, plan),
      nowMs,
    }
    if (this.#clients.length === 0) this.#count(round)
    await Promise.all(
      this.#clients.map(async (client, at) => {
        const outcome = await client.probe(question)
        this.#onOutcome(round, at, outcome)
      }),
    )
    await this.#refreshTags(round.outcomes)
  }

  /** A round is over with its last answer, or with the first that is as good as can be. */
  #onOutcome(round: Round, at: number, answer: ProbeOutcome): void {
    if (this.#isStopped || round.startedMs < this.#options.beat().resumedMs) return
    const outcome = this.#judge(answer)
    round.outcomes.set(at, outcome)
    this.#watch.onEndpoint(
      at,
      outcome.kind === 'passed'
        ? { kind: 'probe-passed', isTaking: isTaking(outcome) }
        : { kind: 'probe-failed' },
    )
    const isLast = round.outcomes.size === this.#clients.length
    if (!round.isCounted && (isLast || isTaking(outcome))) this.#count(round)
  }

  #judge(answer: ProbeOutcome): RegionProbe {
    if (answer.kind === 'failed') return { kind: 'failed', problem: answer.reason }
    const { report, rttMs } = answer
    const verdict = this.#gate.judge(report)
    if (verdict === 'out-of-bounds' || verdict === 'other-region') {
      return { kind: 'failed', problem: `report: ${verdict}` }
    }
    if (report.ready) return { kind: 'passed', report, rttMs, isNew: verdict === 'accepted' }
    return { kind: 'failed', problem: report.degradedReason ?? 'not ready' }
  }

  /** A region is as good as its best ingress: it failed when all of them did. */
  #count(round: Round): void {
    round.isCounted = true
    const best = bestOf(round.outcomes)
    if (best !== undefined) {
      this.#passedFromMs = Math.max(this.#passedFromMs, round.startedMs)
      this.#watch.onProbe(best.outcome)
    } else if (round.startedMs >= this.#passedFromMs) {
      // Not where a later question was answered well: that one knows better.
      this.#watch.onProbe({ kind: 'failed', problem: problemOf(round.outcomes) })
    }
  }

  /** Asks the ingress whose report counted for its list of models when that has changed. */
  async #refreshTags(outcomes: Round['outcomes']): Promise<void> {
    const best = bestOf(outcomes)
    if (this.#isStopped || this.#isAskingTags || best === undefined) return
    const { modelsRevision } = best.outcome.report
    const client = this.#clients[best.at]
    if (modelsRevision === this.#tagsRevision || client === undefined) return
    this.#isAskingTags = true
    try {
      const limitMs = probeLimitMs(this.#watch.view.rttMs, this.#options.plan)
      this.#watch.onTags(await client.fetchModels(limitMs))
      this.#tagsRevision = modelsRevision
    } catch {
      // The next round asks again: the revision still differs.
    } finally {
      this.#isAskingTags = false
    }
  }
}

type Passed = Extract<RegionProbe, { kind: 'passed' }>

function isTaking(outcome: RegionProbe): boolean {
  if (outcome.kind === 'failed') return false
  const { draining, accepts } = outcome.report
  return !draining && accepts.interactive
}

/**
 * The good probe that says the most for the region: better one that takes work than one that ends.
 */
function bestOf(
  outcomes: Round['outcomes'],
): { readonly at: number; readonly outcome: Passed } | undefined {
  let best: { readonly at: number; readonly outcome: Passed } | undefined
  for (const [at, outcome] of outcomes) {
    if (outcome.kind === 'failed') continue
    if (isTaking(outcome)) return { at, outcome }
    best ??= { at, outcome }
  }
  return best
}

function problemOf(outcomes: Round['outcomes']): string {
  for (const outcome of outcomes.values()) {
    if (outcome.kind === 'failed') return outcome.problem
  }
  return 'no ingress'
}
