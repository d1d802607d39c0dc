// One request on its way over the regions, from its arrival at a gateway to its one end. Which
// region comes next, what pays for it and when to give up is the gateway's own code.

import type { RegionFailure } from '#wire/error-codes.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { decide } from '../../gateway/regions/decide.ts'
import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import type { DecisionRequest, TriedRegion } from '../../gateway/regions/weigh.ts'
import { type AttemptRecord, openContext } from '../../gateway/request-context.ts'
import type { AttemptReport, RequestRouting, RouteRequest } from '../../gateway/routing.ts'
import {
  type Evidence,
  evidenceOfFailure,
  evidenceOfLimit,
} from '../../gateway/upstream/evidence.ts'
import {
  type AttemptPhase,
  failureOfPhase,
  failureOfRegion,
} from '../../gateway/upstream/failures.ts'
import { farLimitMs } from '../../gateway/upstream/far-limits.ts'
import type { BegunIn } from '../../gateway/upstream/health-states.ts'
import { decideNext } from '../../gateway/upstream/retry-policy.ts'
import type { AttemptOutcome } from '../../gateway/upstream/route.ts'
import { checkDecision, checkWhatIf } from './decision-checks.ts'
import { type FaultyRegion, PIECES } from './faulty-region.ts'
import type { Random } from './random.ts'
import { FIRST_CONTENT_DEADLINE_MS, type SimulatedGateway } from './simulated-gateway.ts'
import type { Violations } from './violations.ts'
import type { VirtualClock } from './virtual-clock.ts'

const ATTEMPTS_MAX = 3
const ACCEPT_LIMIT_MS = 500
const SILENCE_MS = 3_000
const QUEUE_LIMIT_MS = 30_000
const GRACE_MS = 1_000
const WHAT_IF = 0.1

export interface RequestPlan {
  readonly number: number
  readonly route: Omit<RouteRequest, 'residency'> & Pick<DecisionRequest, 'residency'>
  readonly residency: readonly string[] | undefined
  readonly serviceMs: number
  /** When its client leaves, after its arrival; Infinity = it stays. */
  readonly goneAfterMs: number
}

export interface RequestDeps {
  readonly clock: VirtualClock
  readonly random: Random
  readonly regions: readonly FaultyRegion[]
  readonly gateway: SimulatedGateway
  readonly violations: Violations
  /** It has ended. */
  onEnd(wasServed: boolean, arrivedMs: number): void
}

/** An attempt that runs. */
interface Running {
  readonly record: AttemptRecord
  readonly report: AttemptReport
  readonly begunIn: BegunIn
  readonly wayMs: number
  phase: AttemptPhase
  hasStarted: boolean
  isOver: boolean
  withdraw: () => void
}

export class SimulatedRequest {
  readonly #deps: RequestDeps
  readonly #plan: RequestPlan
  readonly #arrivedMs: number
  readonly #context
  readonly #tried: TriedRegion[] = []
  readonly #draws: readonly number[]
  readonly #routing: RequestRouting
  #running: Running | undefined
  #attempts = 0
  #pieces = 0
  #ends = 0

  constructor(plan: RequestPlan, deps: RequestDeps) {
    const { clock, gateway } = deps
    this.#deps = deps
    this.#plan = plan
    this.#arrivedMs = clock.nowMs
    this.#context = openContext({
      ...{ requestId: String(plan.number), startedMs: clock.nowMs, method: 'POST', route: '/' },
      httpVersion: '1.1',
    })
    gateway.draws.length = 0
    this.#routing = gateway.routing.open(this.#context, plan.route)
    this.#draws = [...gateway.draws]
  }

  start(): void {
    const { clock, gateway } = this.#deps
    const { goneAfterMs } = this.#plan
    clock.after(FIRST_CONTENT_DEADLINE_MS, () =>
      gateway.deliver(() => this.#pieces === 0 && this.#giveUp('deadline_exceeded')),
    )
    if (Number.isFinite(goneAfterMs)) {
      clock.after(goneAfterMs, () => gateway.deliver(() => this.#giveUp('client_closed')))
    }
    this.#tryNext()
  }

  #tryNext(): void {
    const expected = this.#checkedDecision()
    const { violations } = this.#deps
    let regionId: string | undefined
    try {
      regionId = this.#routing.choose()
    } catch (error) {
      const isFirst = this.#attempts === 0 && error instanceof GatewayError
      violations.check(6, isFirst, () => `a choice threw ${error}`)
    }
    const isSame = regionId === undefined || regionId === expected
    violations.check(1, isSame, () => `${regionId} was chosen, and by the same facts ${expected}`)
    if (regionId === undefined) this.#end(false)
    else this.#attempt(regionId)
  }

  /** Decides by the same facts and looks at it. Returns where it leads. */
  #checkedDecision(): string | undefined {
    const { gateway, clock, random, violations } = this.#deps
    const [x = 0, throttleDraw = 0] = this.#draws
    const request: DecisionRequest = {
      ...this.#plan.route,
      lane: 'interactive',
      x,
      throttleDraw,
      nowMs: clock.nowMs,
      deadlineMs: this.#arrivedMs + FIRST_CONTENT_DEADLINE_MS,
      liveGateways: gateway.liveGateways,
      tried: this.#tried,
    }
    const decision = decide(request, gateway.routing.prepared(), DECISION_DEFAULTS)
    const views = gateway.watches.map(({ view }) => view)
    const decided = { request, decision, views, residency: this.#plan.residency }
    checkDecision(decided, violations)
    if (random.chance(WHAT_IF)) checkWhatIf(decided, random, violations)
    return decision.mode === 'refused' ? undefined : decision.regionId
  }

  #attempt(regionId: string): void {
    const { clock, gateway, regions, random, violations } = this.#deps
    const region = regions.find(({ plan }) => plan.site.id === regionId)
    const watch = gateway.watchOf(regionId)
    if (region === undefined || watch === undefined) return this.#end(false)
    this.#attempts += 1
    const hops = this.#tried.filter(({ outcome }) => outcome === 'overflow').length
    violations.check(3, this.#attempts <= ATTEMPTS_MAX, () => `attempt ${this.#attempts}`)
    violations.check(3, hops <= 1, () => `${hops} overflow hops`)
    const record: AttemptRecord = { regionId, startedMs: clock.nowMs }
    const failed = this.#context.attempts.at(-1)
    this.#context.attempts.push(record)
    const report = this.#routing.begin(record)
    gateway.spending.onBegun(record, clock.nowMs)
    if (record.paidBy === 'grant' && failed) gateway.spending.onGranted(failed.regionId)
    const running: Running = {
      ...{ record, report, begunIn: watch.state, hasStarted: false, isOver: false },
      wayMs: (region.plan.roundTripMs / 2) * random.between(0.9, 1.2),
      // On a warm connection there is nothing to connect.
      phase: random.chance(0.8) ? 'accept' : 'connect',
      withdraw: () => undefined,
    }
    this.#running = running
    watch.follow({ kind: 'attempt-begun' })
    this.#send(region, running)
    const limitMs = farLimitMs(ACCEPT_LIMIT_MS, 3, watch.view.rttMs)
    clock.after(limitMs, () =>
      gateway.deliver(() => {
        if (running.phase === 'accept' || running.phase === 'connect') this.#onLimit(running)
      }),
    )
  }

  #send(region: FaultyRegion, running: Running): void {
    const { clock, gateway } = this.#deps
    const { wayMs } = running
    const back = (run: () => void) =>
      clock.after(wayMs, () => gateway.deliver(() => running.isOver || run()))
    clock.after(wayMs, () => {
      if (running.isOver) return // It was taken back on the way.
      const leftMs = this.#arrivedMs + FIRST_CONTENT_DEADLINE_MS - clock.nowMs
      running.withdraw = region.receive({
        model: this.#plan.route.model,
        serviceMs: this.#plan.serviceMs,
        queueLimitMs: Math.max(1, Math.min(QUEUE_LIMIT_MS, leftMs / 2)),
        onAccepted: () => back(() => this.#enter(running, 'queue')),
        onStarted: () => back(() => this.#onStarted(running)),
        onContent: (piece) => back(() => this.#onContent(running, piece)),
        onDone: () => back(() => this.#finish(running, { kind: 'answered' }, 'reached')),
        onFailed: (failure) => back(() => this.#onFailure(running, failure)),
        onCut: () =>
          back(() => this.#finish(running, failureOfPhase(running.phase, 'cut'), 'connection')),
        onSilence: () => clock.after(SILENCE_MS, () => back(() => this.#onLimit(running))),
      })
    })
  }

  #enter(running: Running, phase: AttemptPhase): void {
    running.phase = phase
  }

  #onStarted(running: Running): void {
    const { gateway } = this.#deps
    this.#enter(running, 'start')
    running.hasStarted = true
    const { begunIn } = running
    gateway.watchOf(running.record.regionId)?.follow({ kind: 'attempt-started', begunIn })
    running.report.started()
  }

  #onContent(running: Running, piece: number): void {
    const { violations } = this.#deps
    this.#enter(running, 'content')
    violations.check(5, this.#ends === 0, () => `content after the end of ${this.#plan.number}`)
    violations.check(5, piece === this.#pieces, () => `piece ${piece} after ${this.#pieces}`)
    this.#pieces += 1
  }

  #onFailure(running: Running, failure: RegionFailure): void {
    this.#finish(running, failureOfRegion(failure), evidenceOfFailure(failure.code))
  }

  #onLimit(running: Running): void {
    if (running.isOver) return
    const { phase } = running
    this.#finish(running, failureOfPhase(phase, 'limit'), evidenceOfLimit(phase))
  }

  #giveUp(code: 'deadline_exceeded' | 'client_closed'): void {
    if (this.#running === undefined || this.#running.isOver) return
    const failure = { kind: 'failed', code, fault: 'client', workStarted: 'unknown' } as const
    this.#finish(this.#running, failure, undefined)
  }

  /** The attempt is over: the region is judged first, then what comes next. */
  #finish(running: Running, outcome: AttemptOutcome, seen: Evidence | undefined): void {
    const { clock, gateway } = this.#deps
    const { record, report, begunIn, hasStarted, wayMs } = running
    if (running.isOver) return
    running.isOver = true
    clock.after(wayMs, () => running.withdraw())
    record.endedMs = clock.nowMs
    const evidence = gateway.isWaking() ? undefined : seen
    gateway.watchOf(record.regionId)?.follow({
      ...{ kind: 'attempt-ended', lane: 'interactive', begunIn, hasStarted, evidence },
    })
    gateway.spending.onEnded(record.regionId)
    report.ended(outcome)
    if (outcome.kind === 'answered') return this.#end(true)
    this.#tried.push({ regionId: record.regionId, outcome: triedAs(outcome.cause) })
    const progress = {
      attempts: this.#attempts,
      committed: this.#pieces > 0,
      nowMs: clock.nowMs,
      deadlineMs: this.#arrivedMs + FIRST_CONTENT_DEADLINE_MS,
    }
    const next = decideNext(outcome, progress, { attemptsMax: ATTEMPTS_MAX })
    if (next === 'try-elsewhere') this.#tryNext()
    else this.#end(false)
  }

  #end(wasAnswered: boolean): void {
    const { clock, gateway, violations } = this.#deps
    const { number } = this.#plan
    this.#ends += 1
    violations.check(6, this.#ends === 1, () => `request ${number} ended ${this.#ends} times`)
    const isWhole = this.#pieces === PIECES
    violations.check(5, !wasAnswered || isWhole, () => `${number} has ${this.#pieces} pieces`)
    const dueMs = Math.max(this.#arrivedMs + FIRST_CONTENT_DEADLINE_MS, gateway.pausedUntilMs)
    const isInTime = this.#pieces > 0 || clock.nowMs <= dueMs + GRACE_MS
    violations.check(6, isInTime, () => `request ${number} ended late`)
    this.#deps.onEnd(wasAnswered, this.#arrivedMs)
  }
}

function triedAs(cause: unknown): TriedRegion['outcome'] {
  if (cause === 'overflow') return 'overflow'
  return cause === 'worker-lost' ? 'lost-worker' : 'failed'
}
