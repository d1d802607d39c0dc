// What joins the pure decision to what this gateway knows and has learnt: one `Routing` for the
// process, and one `RequestRouting` for each request on its way through the attempts.

import type { Priority } from '#wire/region-api.ts'
import { GatewayError } from './errors.ts'
import type { Place } from './place/locate.ts'
import { retryAfterS } from './regions/admission.ts'
import { affinityX } from './regions/affinity.ts'
import { boundedSlots } from './regions/availability.ts'
import { type Decision, decide, type Refusal } from './regions/decide.ts'
import type { DecisionOptions } from './regions/decision-options.ts'
import { ExplainLog, type RouteRecord, type RouteTrace } from './regions/explain.ts'
import { canonicalModel } from './regions/model-name.ts'
import { type PreparedRegion, prepareRegion } from './regions/region-facts.ts'
import type { ResidencyPolicy } from './regions/residency.ts'
import type { DecisionRequest, TriedRegion } from './regions/weigh.ts'
import type { AttemptRecord, RequestContext } from './request-context.ts'
import { QueueGate } from './upstream/queue-gate.ts'
import type { ViewFacts } from './upstream/region-view.ts'
import { FailoverGrants, type GrantTicket, RetryBudget } from './upstream/retry-budget.ts'
import type { AttemptOutcome } from './upstream/route.ts'

export interface RoutingDeps {
  /** The same object for a region as long as nothing in it has changed. */
  readonly facts: () => readonly ViewFacts[]
  readonly options: DecisionOptions
  readonly gatewayId: string
  readonly gatewayTags: readonly string[]
  readonly firstContentDeadlineMs: number
  /** Gateways that are alive, this one included. */
  readonly liveGateways: () => number
  readonly nowMs: () => number
  /** ISO 8601. */
  readonly wallClock: () => string
  readonly random: () => number
}

/** What a request brings to its first decision. */
export interface RouteRequest {
  readonly place: Place
  readonly model: string
  readonly priority: Priority
  readonly residency: ResidencyPolicy
}

/** Until there are tenants, everybody is one. */
const TENANT = 'anonymous'

/** The memory of this gateway about its own work: gates, budget, grants, records. */
export class Routing {
  readonly #deps: RoutingDeps
  readonly #prepared = new Map<string, { facts: ViewFacts; region: PreparedRegion }>()
  readonly #gates = new Map<string, QueueGate>()
  readonly #explain: ExplainLog
  readonly budget: RetryBudget
  readonly grants = new FailoverGrants()

  constructor(deps: RoutingDeps) {
    this.#deps = deps
    this.budget = new RetryBudget(deps.options)
    this.#explain = new ExplainLog(deps.options)
  }

  /** Begins the way of one request. Its record can be asked for from now on. */
  open(context: RequestContext, request: RouteRequest): RequestRouting {
    const { gatewayId, gatewayTags, options, nowMs, wallClock } = this.#deps
    const trace = this.#explain.open(
      {
        requestId: context.requestId,
        time: wallClock(),
        startedMs: context.startedMs,
        gateway: gatewayId,
        gatewayTags,
        clientAddress: context.clientAddress,
        place: request.place,
        databaseBuilt: undefined,
        tenant: TENANT,
        model: request.model,
        lane: 'interactive',
        priority: request.priority,
        residency: request.residency,
        affinity: context.affinity,
      },
      context.attempts,
      nowMs(),
    )
    return new RequestRouting(this, { ...this.#deps, options }, context, request, trace)
  }

  /** Why a request went where it went; `undefined` when that is not known, or not any more. */
  record(requestId: string): RouteRecord | undefined {
    return this.#explain.get(requestId, this.#deps.nowMs())
  }

  /** All regions, worked out anew only where something has changed. */
  prepared(): PreparedRegion[] {
    return this.#deps.facts().map((facts) => this.#prepare(facts))
  }

  gateOf(regionId: string, queue: string): QueueGate {
    const key = `${regionId}/${queue}`
    const known = this.#gates.get(key)
    if (known !== undefined) return known
    const gate = new QueueGate(this.#deps.options)
    this.#gates.set(key, gate)
    return gate
  }

  #prepare(facts: ViewFacts): PreparedRegion {
    const { id } = facts.region
    const known = this.#prepared.get(id)
    if (known !== undefined && known.facts === facts) return known.region
    const { options, nowMs } = this.#deps
    const full = { ...facts, signalsOf: (queue: string) => this.gateOf(id, queue) }
    const region = prepareRegion(full, known?.region, nowMs(), options)
    if (facts.report !== known?.facts.report) this.#noteReport(facts)
    this.#prepared.set(id, { facts, region })
    return region
  }

  #noteReport({ region, report }: ViewFacts): void {
    if (report === undefined) return
    const claimed = Object.entries(report.queues).map(([name, { slots }]) => [name, slots])
    const { slots } = boundedSlots(Object.fromEntries(claimed), region.maxSlots)
    for (const [queue, load] of Object.entries(report.queues)) {
      const bounded = { ...load, slots: slots.get(queue) ?? 0 }
      this.gateOf(region.id, queue).onReport(bounded, this.#deps.nowMs())
    }
  }
}

/** One request and the regions that it tries. */
export class RequestRouting {
  readonly #routing: Routing
  readonly #deps: RoutingDeps
  readonly #trace: RouteTrace
  readonly #request: Omit<DecisionRequest, 'nowMs' | 'tried' | 'liveGateways'>
  readonly #tried: TriedRegion[] = []
  #ticket: GrantTicket | undefined
  #paidBy: 'budget' | 'grant' = 'budget'

  constructor(
    routing: Routing,
    deps: RoutingDeps,
    context: RequestContext,
    request: RouteRequest,
    trace: RouteTrace,
  ) {
    const { affinity, startedMs } = context
    this.#routing = routing
    this.#deps = deps
    this.#trace = trace
    this.#request = {
      ...request,
      lane: 'interactive',
      x: affinity === undefined ? deps.random() : affinityX(TENANT, affinity.hash),
      throttleDraw: deps.random(),
      deadlineMs: startedMs + deps.firstContentDeadlineMs,
    }
  }

  /**
   * The region for the next attempt, with the whole filter applied anew; `undefined` when a further
   * attempt has none, or nothing left to pay for it.
   *
   * @throws {GatewayError} for a first attempt that no region can be asked for.
   */
  choose(): string | undefined {
    const decision = this.#decide()
    this.#trace.onDecision(decision)
    if (decision.mode === 'refused') return this.#refused(decision.refusal)
    if (this.#tried.length > 0 && !this.#pay()) return undefined
    return decision.regionId
  }

  /** Whether the next attempt is the one hop that a full region's refusal allows. */
  get hop(): 0 | 1 {
    return this.#tried.at(-1)?.outcome === 'overflow' ? 1 : 0
  }

  /** An attempt begins. Whoever calls tells how it goes on. */
  begin(record: AttemptRecord): AttemptReport {
    const { nowMs } = this.#deps
    if (this.#tried.length === 0) {
      this.#routing.budget.onFirstAttempt(TENANT, nowMs())
      record.paidBy = 'first'
    } else record.paidBy = this.#paidBy
    record.hop = this.hop
    this.#ticket = this.#routing.grants.ticketFor(record.regionId)
    const gate = this.#gateOf(record.regionId)
    gate?.onSent(nowMs())
    return {
      started: () => gate?.onStarted(nowMs()),
      ended: (outcome) => this.#ended(record, gate, outcome),
    }
  }

  #decide(): Decision {
    const { nowMs, liveGateways, options } = this.#deps
    const request = {
      ...this.#request,
      nowMs: nowMs(),
      liveGateways: liveGateways(),
      tried: this.#tried,
    }
    return decide(request, this.#routing.prepared(), options)
  }

  #refused({ code, waitMs }: Refusal): undefined {
    if (this.#tried.length > 0) return undefined // The failure that there was says more.
    throw new GatewayError(code, { retryAfterS: retryAfterS(waitMs) })
  }

  /** What was in flight to a region when it was lost is paid for; all else by the budget. */
  #pay(): boolean {
    const { budget, grants } = this.#routing
    const isGranted = this.#ticket !== undefined && grants.isGranted(this.#ticket)
    this.#paidBy = isGranted ? 'grant' : 'budget'
    return isGranted || budget.trySpend(TENANT, this.#deps.nowMs())
  }

  #gateOf(regionId: string): QueueGate | undefined {
    const model = canonicalModel(this.#request.model)
    const region = this.#routing.prepared().find(({ facts }) => facts.region.id === regionId)
    const queue = region?.servingOf(model)?.queue
    return queue === undefined ? undefined : this.#routing.gateOf(regionId, queue)
  }

  #ended(record: AttemptRecord, gate: QueueGate | undefined, outcome: AttemptOutcome): void {
    gate?.onEnded()
    if (outcome.kind === 'answered') return
    const isOverflow = outcome.cause === 'overflow'
    const roundTripMs = (record.endedMs ?? 0) - record.startedMs
    if (isOverflow) gate?.onOverflow(roundTripMs, this.#deps.nowMs())
    if (typeof outcome.cause === 'string') record.code = outcome.cause
    const isLostWorker = outcome.cause === 'worker-lost'
    this.#tried.push({
      regionId: record.regionId,
      outcome: isOverflow ? 'overflow' : isLostWorker ? 'lost-worker' : 'failed',
    })
  }
}

/** What becomes of an attempt. */
export interface AttemptReport {
  started(): void
  /** To be called once, when it has ended. */
  ended(outcome: AttemptOutcome): void
}
