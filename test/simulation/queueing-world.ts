// The world of routing.md, section 21: three regions of 20 slots, clients that are all nearest to
// the first, gateways that know of a region what it said a second ago, and no way between anywhere.

import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import { type PreparedRegion, prepareRegion } from '../../gateway/regions/region-facts.ts'
import type { TriedRegion } from '../../gateway/regions/weigh.ts'
import { QueueGate } from '../../gateway/upstream/queue-gate.ts'
import { factsOf, reportOf, requestOf } from '../support/decision-world.ts'
import { Random } from './random.ts'
import { SlotQueue } from './slot-queue.ts'
import { STRATEGIES, type StrategyName, signalsFor } from './strategies.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface QueueingOptions {
  readonly seed: number
  readonly strategy: StrategyName
  readonly requestsPerSecond: number
  readonly gateways?: number
  /** Work that a region takes beyond its slots; Infinity = it never refuses. */
  readonly queueLimit?: number
  readonly requests?: number
}

export interface QueueingResult {
  /** Of those that were served, in s. */
  readonly waitSecondsP99: number
  /** The part of those served that the nearest region served, 0..1. */
  readonly nearestShare: number
  /** The part of all that was refused, 0..1. */
  readonly refusedShare: number
}

const REGION_IDS = ['a', 'b', 'c']
const SLOTS = 20
const SERVICE_MEAN_MS = 2_000
const SERVICE_SIGMA = 0.8
const REPORT_EVERY_MS = 1_000
const REPORT_SPREAD = 0.2
const REQUESTS = 4_000
/** Regions are so many degrees of longitude apart: 1,000 km, or 20 ms of cost. */
const DEGREES_APART = 9
/** The largest count that a report may hold stands for a queue without end. */
const ENDLESS_QUEUE = 1e9

/**
 * The model knows one class only, so nobody is refused for the sake of a better one: that rule goes
 * by the estimated load of all regions, which at 27 requests/s makes 1.8 % of refusals out of 0.4 %
 * in the worst of 30 seeds.
 */
const OPTIONS = { ...DECISION_DEFAULTS, admitStandardQueue: Number.POSITIVE_INFINITY }

/** Plays one run to its last request. The same options give the same result. */
export function playQueueing(options: QueueingOptions): QueueingResult {
  return new QueueingWorld(options).run()
}

/** One gateway's knowledge of the regions. */
interface Gateway {
  readonly gates: QueueGate[]
  readonly prepared: PreparedRegion[]
  readonly reportedLoad: number[]
}

class QueueingWorld {
  readonly #options: Required<QueueingOptions>
  readonly #clock = new VirtualClock()
  /** Arrivals and service times are the same for all strategies of one seed. */
  readonly #demand: Random
  readonly #chance: Random
  readonly #regions: SlotQueue[]
  readonly #gateways: Gateway[]
  readonly #waitsMs: number[] = []
  readonly #served = REGION_IDS.map(() => 0)
  #refused = 0
  #arrived = 0

  constructor(options: QueueingOptions) {
    const { seed } = options
    this.#options = { gateways: 3, queueLimit: ENDLESS_QUEUE, requests: REQUESTS, ...options }
    this.#demand = new Random(seed, 1)
    this.#chance = new Random(seed, 2)
    const { queueLimit, gateways } = this.#options
    this.#regions = REGION_IDS.map(() => new SlotQueue(this.#clock, SLOTS, queueLimit))
    this.#gateways = Array.from({ length: gateways }, () => this.#newGateway())
  }

  run(): QueueingResult {
    for (const gateway of this.#gateways) {
      for (const at of REGION_IDS.keys()) {
        this.#clock.after(REPORT_EVERY_MS * this.#chance.next(), () => this.#report(gateway, at))
      }
    }
    this.#planArrival()
    while (this.#waitsMs.length + this.#refused < this.#options.requests && this.#clock.step());
    const waits = this.#waitsMs.toSorted((a, b) => a - b)
    return {
      waitSecondsP99: (waits[Math.ceil(0.99 * waits.length) - 1] ?? 0) / 1_000,
      nearestShare: (this.#served[0] ?? 0) / waits.length,
      refusedShare: this.#refused / this.#options.requests,
    }
  }

  #newGateway(): Gateway {
    const gates = REGION_IDS.map(() => new QueueGate(OPTIONS))
    const prepared = gates.map((gate, at) => {
      const signals = signalsFor(this.#options.strategy, gate)
      const facts = factsOf(this.#sketch(at))
      const known = { ...facts, reportAtMs: 0, signalsOf: () => signals }
      return prepareRegion(known, undefined, 0, OPTIONS)
    })
    return { gates, prepared, reportedLoad: REGION_IDS.map(() => 0) }
  }

  #sketch(at: number) {
    const id = REGION_IDS[at] ?? ''
    const { busy = 0, queued = 0 } = this.#regions[at] ?? {}
    const queue = { slots: SLOTS, busy, queued, queueLimit: this.#options.queueLimit }
    return { id, lon: at * DEGREES_APART, serviceMeanMs: SERVICE_MEAN_MS, queue }
  }

  #report(gateway: Gateway, at: number): void {
    const { nowMs } = this.#clock
    const sketch = this.#sketch(at)
    const before = gateway.prepared[at]
    if (before !== undefined) {
      const facts = { ...before.facts, report: reportOf(sketch), reportAtMs: nowMs }
      gateway.prepared[at] = prepareRegion(facts, before, nowMs, OPTIONS)
    }
    gateway.gates[at]?.onReport(sketch.queue, nowMs)
    gateway.reportedLoad[at] = (sketch.queue.busy + sketch.queue.queued) / SLOTS
    const spread = this.#chance.between(1 - REPORT_SPREAD, 1 + REPORT_SPREAD)
    this.#clock.after(REPORT_EVERY_MS * spread, () => this.#report(gateway, at))
  }

  #planArrival(): void {
    if (this.#arrived === this.#options.requests) return
    this.#arrived += 1
    this.#clock.after(this.#demand.exponential(1_000 / this.#options.requestsPerSecond), () => {
      this.#request(this.#demand.logNormal(SERVICE_MEAN_MS, SERVICE_SIGMA))
      this.#planArrival()
    })
  }

  /** Sends a request to a region, and to one more when that is full. */
  #request(serviceMs: number): void {
    const { nowMs } = this.#clock
    const gateway = this.#demand.pick(this.#gateways)
    const x = this.#chance.next()
    const tried: TriedRegion[] = []
    for (;;) {
      const at = this.#choose(gateway, x, tried)
      if (at === undefined) break
      const region = this.#regions[at]
      const gate = gateway.gates[at]
      if (region === undefined || gate === undefined) break
      gate.onSent(nowMs)
      const answer = region.offer({
        serviceMs,
        onStarted: () => this.#onStarted(at, nowMs),
        onEnded: () => gate.onEnded(),
      })
      if (answer === 'taken') return
      gate.onEnded()
      gate.onOverflow(0, nowMs)
      tried.push({ regionId: REGION_IDS[at] ?? '', outcome: 'overflow' })
    }
    this.#refused += 1
  }

  /** There is no deadline that a wait could be too long for. */
  #choose(gateway: Gateway, x: number, tried: readonly TriedRegion[]): number | undefined {
    const { nowMs } = this.#clock
    const { strategy, gateways } = this.#options
    const request = requestOf({
      x,
      nowMs,
      deadlineMs: Number.POSITIVE_INFINITY,
      liveGateways: gateways,
      tried,
    })
    return STRATEGIES[strategy](request, gateway, OPTIONS)
  }

  #onStarted(at: number, arrivedMs: number): void {
    this.#waitsMs.push(this.#clock.nowMs - arrivedMs)
    this.#served[at] = (this.#served[at] ?? 0) + 1
  }
}
