// Regions that fail in turn, and the health of a fleet that watches them, on a clock that is
// played: an hour takes some milliseconds, and one seed always gives the same hour. Only the pure
// parts of a gateway run here; probes and requests are what the fault of the hour makes of them.

import type { Evidence } from '../../gateway/upstream/evidence.ts'
import { isAnyInRotation, mayEject } from '../../gateway/upstream/fleet-health.ts'
import {
  HEALTH_DEFAULTS,
  type HealthEvent,
  type HealthState,
  initialHealth,
  isInRotation,
  type RegionHealth,
} from '../../gateway/upstream/health-states.ts'
import { nextHealth } from '../../gateway/upstream/next-health.ts'
import { isAskedFast, PROBE_DEFAULTS, probeIntervalMs } from '../../gateway/upstream/probe-plan.ts'

/** `flaky`: probes pass and most requests fail. `shut`: its lane takes nothing. */
export type FaultKind = 'refuses' | 'silent' | 'flaky' | 'shut' | 'drains'

export interface Fault {
  readonly region: number
  readonly kind: FaultKind
  readonly fromMs: number
  readonly untilMs: number
}

/** One step of one region that led to another state. */
export interface Change {
  readonly atMs: number
  readonly region: number
  readonly from: RegionHealth
  readonly to: RegionHealth
  /** All states before the step, and which regions were available. */
  readonly before: readonly { readonly state: HealthState; readonly isAvailable: boolean }[]
  readonly lastFailedProbeMs: number
}

export interface SimulatedHour {
  readonly changes: readonly Change[]
  /** When a request was begun that a worker then started on. */
  readonly servedMs: readonly number[]
  readonly states: readonly HealthState[]
}

export interface SimulationOptions {
  readonly seed: number
  readonly regions: number
  readonly faults: readonly Fault[]
  readonly untilMs: number
  readonly requestEveryMs: number
}

/** Plays everything up to a moment. */
export function simulateFleet(options: SimulationOptions): SimulatedHour {
  return new SimulatedFleet(options).run()
}

/** A random number in [0, 1) at each call, always the same ones for one seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const ROUND_TRIP_MS = 20
const SILENCE_MS = 3_000
const FLAKY = 0.9

class SimulatedFleet {
  readonly #options: SimulationOptions
  readonly #random: () => number
  readonly #plans: { readonly atMs: number; readonly run: () => void }[] = []
  readonly #health: RegionHealth[]
  readonly #askedMs: number[]
  /** A plan whose number is an older one has been replaced. */
  readonly #planNumbers: number[]
  readonly #passedFromMs: number[]
  readonly #failedProbeMs: number[]
  readonly #changes: Change[] = []
  readonly #servedMs: number[] = []
  #nowMs = 0

  constructor(options: SimulationOptions) {
    const each = <T>(value: T): T[] => Array.from({ length: options.regions }, () => value)
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#health = each(initialHealth(0))
    this.#askedMs = each(0)
    this.#planNumbers = each(0)
    this.#passedFromMs = each(Number.NEGATIVE_INFINITY)
    this.#failedProbeMs = each(Number.NEGATIVE_INFINITY)
  }

  run(): SimulatedHour {
    for (const region of this.#health.keys()) this.#probe(region)
    this.#sendRequests()
    for (;;) {
      const next = this.#plans.shift()
      if (next === undefined || next.atMs > this.#options.untilMs) break
      this.#nowMs = next.atMs
      next.run()
    }
    return {
      changes: this.#changes,
      servedMs: this.#servedMs,
      states: this.#health.map(({ state }) => state),
    }
  }

  #after(ms: number, run: () => void): void {
    const atMs = this.#nowMs + ms
    const at = this.#plans.findLastIndex((plan) => plan.atMs <= atMs)
    this.#plans.splice(at + 1, 0, { atMs, run })
  }

  #faultOf(region: number): FaultKind | undefined {
    const isNow = ({ fromMs, untilMs }: Fault) => fromMs <= this.#nowMs && this.#nowMs < untilMs
    return this.#options.faults.find((fault) => fault.region === region && isNow(fault))?.kind
  }

  #healthOf(region: number): RegionHealth {
    const health = this.#health[region]
    if (health === undefined) throw new Error(`no region ${region}`)
    return health
  }

  #members() {
    return this.#health.map(({ state, lanes }, region) => ({
      regionId: String(region),
      kind: state.kind,
      isActive: true,
      isAvailable: isInRotation(state) && lanes.interactive.kind === 'accepting',
    }))
  }

  #follow(region: number, event: HealthEvent): void {
    const from = this.#healthOf(region)
    const members = this.#members()
    const moment = {
      nowMs: this.#nowMs,
      chance: this.#random(),
      isAnyInRotation: isAnyInRotation(members),
      mayEject: mayEject(String(region), members, HEALTH_DEFAULTS.ejectMaxShare),
    }
    const to = nextHealth(from, event, moment, HEALTH_DEFAULTS)
    if (event.kind === 'probe-failed') this.#failedProbeMs[region] = this.#nowMs
    const before = this.#health.map(({ state }, at) => ({
      state,
      isAvailable: members[at]?.isAvailable ?? false,
    }))
    this.#health[region] = to
    if (to.state.kind === from.state.kind) return
    const lastFailedProbeMs = this.#failedProbeMs[region] ?? 0
    this.#changes.push({ atMs: this.#nowMs, region, from, to, before, lastFailedProbeMs })
    if (isAskedFast(to.state, this.#nowMs) && !isAskedFast(from.state, this.#nowMs)) {
      this.#probe(region)
    } else this.#planProbe(region)
  }

  #planProbe(region: number): void {
    const number = (this.#planNumbers[region] ?? 0) + 1
    this.#planNumbers[region] = number
    const { state } = this.#healthOf(region)
    const now = { nowMs: this.#nowMs, chance: this.#random() }
    const dueMs = (this.#askedMs[region] ?? 0) + probeIntervalMs(state, now, PROBE_DEFAULTS)
    this.#after(Math.max(0, dueMs - this.#nowMs), () => {
      if (this.#planNumbers[region] !== number) return
      this.#follow(region, { kind: 'time-passed' })
      if (this.#planNumbers[region] === number) this.#probe(region)
      else this.#planProbe(region)
    })
  }

  #probe(region: number): void {
    const startedMs = this.#nowMs
    this.#askedMs[region] = startedMs
    this.#planProbe(region)
    const fault = this.#faultOf(region)
    if (fault === 'refuses' || fault === 'silent') {
      this.#after(fault === 'silent' ? PROBE_DEFAULTS.probeTimeoutMs : 1, () => {
        if (startedMs >= (this.#passedFromMs[region] ?? 0)) {
          this.#follow(region, { kind: 'probe-failed' })
        }
      })
      return
    }
    this.#after(ROUND_TRIP_MS, () => {
      this.#passedFromMs[region] = Math.max(this.#passedFromMs[region] ?? 0, startedMs)
      this.#follow(region, {
        kind: 'probe-passed',
        isDraining: fault === 'drains',
        accepts: { interactive: fault !== 'shut', durable: true },
      })
    })
  }

  #sendRequests(): void {
    for (const region of this.#choose()) this.#attempt(region)
    const { requestEveryMs } = this.#options
    this.#after(requestEveryMs * 2 * this.#random(), () => this.#sendRequests())
  }

  /** A trial, else any region in rotation, else the three cheapest whatever their state. */
  #choose(): number[] {
    const order = [...this.#health.keys()]
    const open = order.filter((region) => {
      const { state, lanes } = this.#healthOf(region)
      return state.kind !== 'draining' && lanes.interactive.kind === 'accepting'
    })
    const trial = open.find((region) => {
      const { state } = this.#healthOf(region)
      return state.kind === 'probing' && state.trialsLeft > 0
    })
    if (trial !== undefined) return [trial]
    const rotation = open.filter((region) => isInRotation(this.#healthOf(region).state))
    const chosen = rotation[Math.floor(this.#random() * rotation.length)]
    return chosen === undefined ? open.slice(0, 3) : [chosen]
  }

  #attempt(region: number): void {
    const begunMs = this.#nowMs
    const begunIn = this.#healthOf(region).state
    const end = (hasStarted: boolean, evidence: Evidence | undefined): void =>
      this.#follow(region, {
        kind: 'attempt-ended',
        begunIn,
        lane: 'interactive',
        hasStarted,
        evidence,
      })
    this.#follow(region, { kind: 'attempt-begun' })
    const fault = this.#faultOf(region)
    if (fault === 'refuses') return this.#after(1, () => end(false, 'connection'))
    if (fault === 'shut') return this.#after(ROUND_TRIP_MS, () => end(false, 'not-accepting'))
    if (fault === 'drains') return this.#after(ROUND_TRIP_MS, () => end(false, 'reached'))
    if (fault === 'silent') return this.#after(500, () => end(false, 'connection'))
    if (fault === 'flaky' && this.#random() < FLAKY) {
      const evidence = this.#random() < 0.5 ? 'connection' : 'infrastructure'
      return this.#after(ROUND_TRIP_MS, () => end(false, evidence))
    }
    this.#after(ROUND_TRIP_MS, () => {
      this.#servedMs.push(begunMs)
      this.#follow(region, { kind: 'attempt-started', begunIn })
      this.#after(this.#random() * 2 * SILENCE_MS, () => {
        // What breaks while the answer runs is seen when it has been silent for long enough.
        const isCut = this.#faultOf(region) === 'silent' || this.#faultOf(region) === 'refuses'
        end(true, isCut ? 'infrastructure' : 'reached')
      })
    })
  }
}
