// Regions and gateways at full size. Health is not played here: all regions are well until the one
// that is lost, which each gateway learns as fast as routing.md, section 14.3, says.

import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import { type PreparedRegion, prepareRegion } from '../../gateway/regions/region-facts.ts'
import type { TriedRegion } from '../../gateway/regions/weigh.ts'
import { QueueGate } from '../../gateway/upstream/queue-gate.ts'
import { factsOf, reportOf, requestOf } from '../support/decision-world.ts'
import { emptyOutcome, type Outcome } from './clairvoyant.ts'
import type { Demand } from './demand.ts'
import { Random } from './random.ts'
import type { ScaleMap } from './scale-map.ts'
import { SlotQueue } from './slot-queue.ts'
import { STRATEGIES, type StrategyName } from './strategies.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface ScaleOptions {
  readonly seed: number
  readonly strategy: StrategyName
  readonly gateways: number
  /** Gateways that are alive, as each of them believes. */
  readonly liveGateways: number
  /** `any`: clients are spread over all gateways. `nearest`: each has its own, as with anycast. */
  readonly clientsOf: 'any' | 'nearest'
  /** When the region with the most slots is lost, and which. */
  readonly lossAtMs: number
  readonly lostSite: number
  readonly serviceMeanMs: number
}

/** What a run came to; requests that met the loss are counted beside it. */
export interface ScaleResult extends Outcome {
  readonly refused: number
  /**
   * Had to be sent once more; streams that were running and broke; from arrival to start, in ms.
   */
  readonly loss: {
    readonly resent: number
    readonly broken: number
    readonly failed: number
    readonly addedMs: readonly number[]
  }
}

const REPORT_EVERY_MS = 1_000
/** Two more probes after the first that fails, 300 ms apart, take a region out. */
const FALL_MS = 600
const FULL_LOAD = 1e6

interface Gateway {
  readonly gates: QueueGate[]
  readonly prepared: PreparedRegion[]
  readonly reportedLoad: Float64Array
}

interface Request {
  readonly number: number
  readonly gateway: Gateway
  readonly x: number
  readonly tried: TriedRegion[]
}

/** Plays all requests of a demand. */
export function playScale(map: ScaleMap, demand: Demand, options: ScaleOptions): ScaleResult {
  return new ScaleWorld(map, demand, options).run()
}

class ScaleWorld {
  readonly #map: ScaleMap
  readonly #demand: Demand
  readonly #options: ScaleOptions
  readonly #clock = new VirtualClock()
  readonly #random: Random
  readonly #queues: SlotQueue[]
  readonly #gateways: Gateway[]
  readonly #outcome: Outcome
  readonly #loss = { resent: 0, broken: 0, failed: 0, addedMs: [] as number[] }
  /** Of the lost region: what it had and has not finished. */
  readonly #waitingThere = new Map<number, Request>()
  readonly #runningThere = new Map<number, Request>()
  #isLost = false
  #refused = 0

  constructor(map: ScaleMap, demand: Demand, options: ScaleOptions) {
    this.#map = map
    this.#demand = demand
    this.#options = options
    this.#random = new Random(options.seed, 2)
    this.#queues = map.sites.map(
      ({ slots }) => new SlotQueue(this.#clock, slots, queueLimitOf(slots, options)),
    )
    this.#gateways = Array.from({ length: options.gateways }, () => this.#newGateway())
    this.#outcome = emptyOutcome(demand.atMs.length)
    this.#outcome.waitMs.fill(-1)
  }

  run(): ScaleResult {
    for (const gateway of this.#gateways) {
      for (const site of this.#map.sites.keys()) {
        this.#clock.after(REPORT_EVERY_MS * this.#random.next(), () => this.#report(gateway, site))
      }
    }
    this.#clock.at(this.#options.lossAtMs, () => this.#lose())
    this.#planArrival(0)
    const lastMs = this.#demand.atMs.at(-1) ?? 0
    this.#clock.runUntil(lastMs)
    for (const [number, waitMs] of this.#outcome.waitMs.entries()) {
      // Who has not been served yet has waited until now at least.
      if (waitMs < 0) this.#outcome.waitMs[number] = lastMs - (this.#demand.atMs[number] ?? 0)
    }
    return { ...this.#outcome, refused: this.#refused, loss: this.#loss }
  }

  #newGateway(): Gateway {
    const gates = this.#map.sites.map(() => new QueueGate(DECISION_DEFAULTS))
    const prepared = gates.map((gate, site) => {
      const known = { ...factsOf(this.#sketch(site)), reportAtMs: 0, signalsOf: () => gate }
      return prepareRegion(known, undefined, 0, DECISION_DEFAULTS)
    })
    return { gates, prepared, reportedLoad: new Float64Array(gates.length) }
  }

  #sketch(site: number) {
    const { id = '', lat = 0, lon = 0, slots = 0 } = this.#map.sites[site] ?? {}
    const { busy = 0, queued = 0, queueLimit = 0 } = this.#queues[site] ?? {}
    const { serviceMeanMs } = this.#options
    const queue = { slots, busy, queued, queueLimit: Math.min(queueLimit, FULL_LOAD) }
    return { id, lat, lon, serviceMeanMs, queue, region: { maxSlots: slots } }
  }

  #report(gateway: Gateway, site: number): void {
    const { nowMs } = this.#clock
    const before = gateway.prepared[site]
    if (before === undefined) return
    if (this.#isLost && site === this.#options.lostSite) return this.#notice(gateway, before)
    const sketch = this.#sketch(site)
    const facts = { ...before.facts, report: reportOf(sketch), reportAtMs: nowMs }
    gateway.prepared[site] = prepareRegion(facts, before, nowMs, DECISION_DEFAULTS)
    gateway.gates[site]?.onReport(sketch.queue, nowMs)
    gateway.reportedLoad[site] = (sketch.queue.busy + sketch.queue.queued) / sketch.queue.slots
    const everyMs = REPORT_EVERY_MS * this.#random.between(0.8, 1.2)
    this.#clock.after(everyMs, () => this.#report(gateway, site))
  }

  /** A probe fails: the region is suspect, and soon down. */
  #notice(gateway: Gateway, before: PreparedRegion): void {
    const { lostSite } = this.#options
    const become = (state: 'suspect' | 'down') => {
      const facts = { ...before.facts, state }
      gateway.prepared[lostSite] = prepareRegion(
        facts,
        before,
        this.#clock.nowMs,
        DECISION_DEFAULTS,
      )
    }
    become('suspect')
    this.#clock.after(FALL_MS, () => {
      become('down')
      gateway.reportedLoad[lostSite] = FULL_LOAD
    })
  }

  #planArrival(number: number): void {
    const atMs = this.#demand.atMs[number]
    if (atMs === undefined) return
    this.#clock.at(atMs, () => {
      this.#send(this.#newRequest(number))
      this.#planArrival(number + 1)
    })
  }

  #newRequest(number: number): Request {
    const { clientsOf, gateways } = this.#options
    const own = (this.#map.places[this.#demand.place[number] ?? 0]?.lon ?? 0) + 540
    const at =
      clientsOf === 'any'
        ? this.#random.below(gateways)
        : Math.floor(((own % 360) / 360) * gateways) % gateways
    const gateway = this.#gateways[at]
    if (gateway === undefined) throw new RangeError(`no gateway ${at}`)
    return { number, gateway, x: this.#random.next(), tried: [] }
  }

  /** Sends a request to a region, and to one more when that is full or lost. */
  #send(request: Request): void {
    const { number, gateway, tried } = request
    for (;;) {
      const site = this.#choose(request)
      const gate = site === undefined ? undefined : gateway.gates[site]
      if (site === undefined || gate === undefined) break
      gate.onSent(this.#clock.nowMs)
      if (this.#isLost && site === this.#options.lostSite) {
        gate.onEnded()
        return this.#resend(request)
      }
      if (this.#offer(request, site, gate) === 'taken') return
      gate.onEnded()
      gate.onOverflow(0, this.#clock.nowMs)
      tried.push({ regionId: this.#map.sites[site]?.id ?? '', outcome: 'overflow' })
    }
    this.#refused += 1
    this.#outcome.waitMs[number] = Number.NaN
    if (tried.some(({ outcome }) => outcome === 'failed')) this.#loss.failed += 1
  }

  #choose({ number, gateway, x, tried }: Request): number | undefined {
    const { strategy, liveGateways } = this.#options
    const place = this.#demand.place[number] ?? 0
    const { nowMs } = this.#clock
    if (strategy === 'nearest-only') return this.#nearest(place, tried.length > 0)
    const location = this.#map.places[place] ?? { lat: 0, lon: 0 }
    const request = requestOf({
      ...{ x, nowMs, liveGateways, tried, place: { location, accuracyRadiusKm: 20 } },
      throttleDraw: this.#random.next(),
      deadlineMs: nowMs + 120_000,
    })
    return STRATEGIES[strategy](request, gateway, DECISION_DEFAULTS)
  }

  #nearest(place: number, isLost: boolean): number | undefined {
    const site = this.#map.nearest[place]
    if (!isLost || site !== this.#options.lostSite) return site
    const { length } = this.#map.sites
    const travel = this.#map.travelMs.subarray(place * length, (place + 1) * length)
    return [...travel.keys()].reduce((best, at) =>
      at !== site && (best === site || (travel[at] ?? 0) < (travel[best] ?? 0)) ? at : best,
    )
  }

  #offer(request: Request, site: number, gate: QueueGate): 'taken' | 'refused' {
    const { number } = request
    const isThere = site === this.#options.lostSite
    if (isThere) this.#waitingThere.set(number, request)
    this.#noteSite(number, site)
    const answer = this.#queues[site]?.offer({
      serviceMs: this.#demand.serviceMs[number] ?? 0,
      onStarted: () => {
        if (isThere) this.#onStartedThere(request)
        gate.onStarted(this.#clock.nowMs)
        this.#onStarted(request)
      },
      onEnded: () => {
        this.#runningThere.delete(number)
        gate.onEnded()
      },
    })
    if (answer !== 'taken' && isThere) this.#waitingThere.delete(number)
    return answer ?? 'refused'
  }

  #onStartedThere(request: Request): void {
    this.#waitingThere.delete(request.number)
    if (!this.#isLost) this.#runningThere.set(request.number, request)
  }

  #noteSite(number: number, site: number): void {
    const place = this.#demand.place[number] ?? 0
    this.#outcome.travelMs[number] = this.#map.travelMs[place * this.#map.sites.length + site] ?? 0
    this.#outcome.site[number] = site
  }

  #onStarted({ number, tried }: Request): void {
    const waitMs = this.#clock.nowMs - (this.#demand.atMs[number] ?? 0)
    this.#outcome.waitMs[number] = waitMs
    if (tried.some(({ outcome }) => outcome === 'failed')) this.#loss.addedMs.push(waitMs)
  }

  #lose(): void {
    this.#isLost = true
    this.#loss.broken = this.#runningThere.size
    for (const request of this.#waitingThere.values()) this.#resend(request)
    this.#waitingThere.clear()
  }

  /** The connection was refused or cut, which takes a round trip to hear of. */
  #resend(request: Request): void {
    const { lostSite } = this.#options
    const place = this.#demand.place[request.number] ?? 0
    this.#loss.resent += 1
    request.tried.push({ regionId: this.#map.sites[lostSite]?.id ?? '', outcome: 'failed' })
    const travelMs = this.#map.travelMs[place * this.#map.sites.length + lostSite] ?? 0
    this.#clock.after(travelMs, () => this.#send(request))
  }
}

/** What decides without limits has queues without limits; `decide` has those of the defaults. */
function queueLimitOf(slots: number, { strategy }: ScaleOptions): number {
  const isDeciding = strategy === 'with-delta' || strategy === 'without-delta'
  return isDeciding ? Math.max(8, Math.ceil(0.5 * slots)) : Number.POSITIVE_INFINITY
}
