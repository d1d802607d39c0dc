// A gateway on a played clock: its probes, its pauses, and what joins its regions. Decisions,
// budget, reports and health are the gateway's own code; the timers of `upstream/probes.ts` are
// played.

import type { LoadReport } from '#wire/load-report.ts'
import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import type { ReportVerdict } from '../../gateway/regions/report-gate.ts'
import { Routing } from '../../gateway/routing.ts'
import { isAnyInRotation, mayEject } from '../../gateway/upstream/fleet-health.ts'
import { HEALTH_DEFAULTS, type HealthState } from '../../gateway/upstream/health-states.ts'
import {
  isAskedFast,
  isWaking,
  nextPulse,
  PROBE_DEFAULTS,
  type Pulse,
  probeIntervalMs,
  probeLimitMs,
} from '../../gateway/upstream/probe-plan.ts'
import type { FaultyRegion } from './faulty-region.ts'
import { HealthChecks } from './health-checks.ts'
import type { Random } from './random.ts'
import { SimulatedWatch, type Transition } from './simulated-watch.ts'
import { SpendingChecks } from './spending-checks.ts'
import type { Violations } from './violations.ts'
import type { VirtualClock } from './virtual-clock.ts'

export const FIRST_CONTENT_DEADLINE_MS = 20_000

export interface GatewayDeps {
  readonly clock: VirtualClock
  readonly random: Random
  readonly regions: readonly FaultyRegion[]
  readonly gateways: number
  readonly violations: Violations
}

/** The probes of one region. */
interface ProbeLoop {
  readonly region: FaultyRegion
  readonly watch: SimulatedWatch
  askedMs: number
  /** A timer whose number is an older one was replaced. */
  timer: number
  rounds: number
  passedFromMs: number
}

export class SimulatedGateway {
  readonly #deps: GatewayDeps
  readonly #loops: ProbeLoop[]
  readonly #health: HealthChecks
  readonly spending: SpendingChecks
  readonly routing: Routing
  #pulse: Pulse = { beatMs: 0, resumedMs: Number.NEGATIVE_INFINITY }
  #pausedUntilMs = 0
  /** The newest random numbers that a request was given, which a check needs to decide again. */
  readonly draws: number[] = []

  constructor(deps: GatewayDeps) {
    this.#deps = deps
    this.#health = new HealthChecks(deps.violations)
    this.spending = new SpendingChecks(deps.violations)
    this.#loops = deps.regions.map((region) => this.#newLoop(region))
    this.routing = new Routing({
      facts: () => this.#loops.map(({ watch }) => watch.facts),
      options: DECISION_DEFAULTS,
      gatewayId: 'simulated',
      gatewayTags: [],
      firstContentDeadlineMs: FIRST_CONTENT_DEADLINE_MS,
      liveGateways: () => deps.gateways,
      nowMs: () => deps.clock.nowMs,
      wallClock: () => '',
      random: () => {
        const draw = deps.random.next()
        this.draws.push(draw)
        return draw
      },
    })
  }

  get watches(): readonly SimulatedWatch[] {
    return this.#loops.map(({ watch }) => watch)
  }

  get liveGateways(): number {
    return this.#deps.gateways
  }

  get pausedUntilMs(): number {
    return this.#pausedUntilMs
  }

  watchOf(regionId: string): SimulatedWatch | undefined {
    return this.#loops.find(({ region }) => region.plan.site.id === regionId)?.watch
  }

  start(): void {
    for (const loop of this.#loops) this.#ask(loop)
  }

  pauseUntil(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, ms)
  }

  /** Lets something happen in this process, as soon as that runs. */
  deliver(run: () => void): void {
    if (this.#deps.clock.nowMs >= this.#pausedUntilMs) run()
    else this.#deps.clock.at(this.#pausedUntilMs, () => this.deliver(run))
  }

  /** Whether what is seen now may come from a pause of this process. */
  isWaking(): boolean {
    return isWaking(this.#beat(), this.#deps.clock.nowMs)
  }

  #newLoop(region: FaultyRegion): ProbeLoop {
    const watch = new SimulatedWatch(region.plan, {
      nowMs: () => this.#deps.clock.nowMs,
      momentFor: (regionId) => this.#momentFor(regionId),
      onChange: (changed, transition) => this.#onChange(loop, changed, transition),
    })
    const loop: ProbeLoop = {
      ...{ region, watch, askedMs: 0, timer: 0, rounds: 0 },
      passedFromMs: Number.NEGATIVE_INFINITY,
    }
    return loop
  }

  #momentFor(regionId: string) {
    const members = () => this.#loops.map(({ watch }) => watch.member)
    const { clock, random } = this.#deps
    return {
      nowMs: clock.nowMs,
      get chance() {
        return random.next()
      },
      get isAnyInRotation() {
        return isAnyInRotation(members())
      },
      get mayEject() {
        return mayEject(regionId, members(), HEALTH_DEFAULTS.ejectMaxShare)
      },
    }
  }

  #onChange(loop: ProbeLoop, watch: SimulatedWatch, transition: Transition): void {
    const { from, to, nowMs } = transition
    const members = this.#loops.map((other) => other.watch.member)
    this.#health.onChange(watch, transition, members)
    if (from.state.kind === 'healthy' && to.state.kind !== 'draining') {
      this.routing.grants.onDeparture(watch.plan.site.id)
      this.spending.onDeparture(watch.plan.site.id)
    }
    if (isAskedFast(to.state, nowMs) && !isAskedFast(from.state, nowMs)) this.#ask(loop)
    else this.#planNext(loop, to.state)
  }

  #beat(): Pulse {
    const before = this.#pulse
    this.#pulse = nextPulse(before, this.#deps.clock.nowMs, PROBE_DEFAULTS)
    if (this.#pulse.resumedMs !== before.resumedMs) {
      for (const loop of this.#loops) this.#ask(loop)
    }
    return this.#pulse
  }

  #planNext(loop: ProbeLoop, state: HealthState): void {
    const { clock, random } = this.#deps
    loop.timer += 1
    const { timer } = loop
    const moment = { nowMs: clock.nowMs, chance: random.next() }
    const dueMs = loop.askedMs + probeIntervalMs(state, moment, PROBE_DEFAULTS)
    clock.at(dueMs, () => this.deliver(() => loop.timer === timer && this.#tick(loop)))
  }

  #tick(loop: ProbeLoop): void {
    const { rounds } = loop
    this.#beat() // After a pause this asks all regions, this one included.
    loop.watch.follow({ kind: 'time-passed' })
    if (loop.rounds === rounds) this.#ask(loop)
  }

  #ask(loop: ProbeLoop): void {
    const { clock, random } = this.#deps
    const startedMs = clock.nowMs
    loop.rounds += 1
    loop.askedMs = startedMs
    this.#planNext(loop, loop.watch.state)
    let isOver = false
    const end = (take: () => void) =>
      this.deliver(() => {
        if (isOver) return
        isOver = true
        if (startedMs >= this.#beat().resumedMs) take()
      })
    const wayMs = (loop.region.plan.roundTripMs / 2) * random.between(0.9, 1.5)
    clock.after(wayMs, () => {
      const answer = loop.region.probe()
      if (answer === 'nothing') return
      clock.after(wayMs, () => end(() => this.#onAnswer(loop, answer, startedMs)))
    })
    const limitMs = probeLimitMs(loop.watch.view.rttMs, PROBE_DEFAULTS)
    clock.after(limitMs, () => end(() => this.#onFailed(loop, startedMs)))
  }

  #onFailed(loop: ProbeLoop, startedMs: number): void {
    // Not where a later question was answered well: that one knows better.
    if (startedMs >= loop.passedFromMs) loop.watch.onProbeFailed()
  }

  #onAnswer(loop: ProbeLoop, answer: LoadReport | 'refused', startedMs: number): void {
    if (answer === 'refused') return this.#onFailed(loop, startedMs)
    const before = loop.watch.view.report
    const verdict = loop.watch.onReport(answer, this.#deps.clock.nowMs - startedMs)
    if (verdict === 'accepted' || verdict === 'not-newer') {
      loop.passedFromMs = Math.max(loop.passedFromMs, startedMs)
    }
    this.#checkReport(loop, answer, verdict, before)
  }

  /** Invariant 10, by what the region has done to its report and not by the gate. */
  #checkReport(
    { region, watch }: ProbeLoop,
    answer: LoadReport,
    verdict: ReportVerdict,
    before: LoadReport | undefined,
  ): void {
    const { violations } = this.#deps
    const { id, maxSlots } = region.plan.site
    const isOld =
      before !== undefined &&
      (answer.epoch < before.epoch || (answer.epoch === before.epoch && answer.seq <= before.seq))
    const isBroken = answer.region !== id || Object.values(answer.queues).some((q) => q.busy < 0)
    const isBelieved = watch.view.report === answer
    violations.check(10, isBelieved !== (isOld || isBroken), () => `${id}: a report was ${verdict}`)
    violations.check(10, isBelieved || watch.view.report === before, () => `${id} has changed`)
    const isBoast = Object.values(answer.queues).some((queue) => queue.slots > maxSlots)
    if (!isBoast) return
    const prepared = this.routing.prepared().find(({ facts }) => facts.region.id === id)
    const slots = prepared?.servingOf('small')?.slots ?? 0
    violations.check(10, slots <= maxSlots, () => `${id} claims ${slots} slots`)
  }
}
