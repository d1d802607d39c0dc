// Invariants 7, 8 and 11: what must be true of every change of a region's state.

import type { FleetMember } from '../../gateway/upstream/fleet-health.ts'
import { HEALTH_DEFAULTS as LIMITS } from '../../gateway/upstream/health-states.ts'
import type { SimulatedWatch, Transition } from './simulated-watch.ts'
import type { Violations } from './violations.ts'

/** The rows of routing.md, section 14.2, as ways from state to state. */
const WAYS: ReadonlySet<string> = new Set([
  'suspect>healthy', // Rows 2 and 4.
  'healthy>suspect', // Row 3.
  'suspect>down', // Rows 5 and 7.
  'ejected>down', // Row 5.
  'draining>down', // Row 5.
  'healthy>ejected', // Row 6.
  'suspect>ejected', // Row 6.
  'healthy>down', // Row 7.
  'healthy>draining', // Row 8.
  'suspect>draining', // Row 8.
  'probing>draining', // Row 8.
  'draining>healthy', // Row 9.
  'down>probing', // Rows 10 and 14.
  'ejected>probing', // Rows 11 and 14.
  'probing>healthy', // Row 12.
  'probing>down', // Row 13.
  'probing>ejected', // Row 13.
])

const EJECTION_LEAST_MS = 0.8 * LIMITS.ejectBaseMs

/** Follows the changes at one gateway. */
export class HealthChecks {
  readonly #violations: Violations
  readonly #departuresMs = new Map<string, number[]>()

  constructor(violations: Violations) {
    this.#violations = violations
  }

  /** `members` are all regions as they are after the change. */
  onChange(
    watch: SimulatedWatch,
    { from, to, nowMs }: Transition,
    members: readonly FleetMember[],
  ): void {
    const { id } = watch.plan.site
    const [was, is] = [from.state.kind, to.state.kind]
    const says = () => `${id} went from ${was} to ${is}`
    this.#violations.check(7, WAYS.has(`${was}>${is}`), says)
    if (is === 'probing') this.#checkTimeOut(watch, from, nowMs, members)
    if (is === 'healthy') {
      const isReturn = was === 'probing' || was === 'draining'
      const rampSinceMs = isReturn ? nowMs : from.rampSinceMs
      this.#violations.check(7, to.rampSinceMs === rampSinceMs, () => `${says()} without its ramp`)
    }
    if (is === 'ejected') this.#checkEjection(id, was, members)
    const isDeparture =
      (was === 'healthy' || was === 'suspect') && (is === 'down' || is === 'ejected')
    if (isDeparture) this.#departuresMs.set(id, [...this.#departuresOf(id), nowMs])
    // Whatever took it down counts like a probe that failed.
    if (is === 'down') watch.failedProbeMs = nowMs
  }

  #departuresOf(id: string): readonly number[] {
    return this.#departuresMs.get(id) ?? []
  }

  /** By the departures of the last five minutes alone: older ones can only have made it longer. */
  #checkTimeOut(
    { plan, failedProbeMs }: SimulatedWatch,
    { state }: Transition['from'],
    nowMs: number,
    members: readonly FleetMember[],
  ): void {
    const isWaived = !members.some(
      ({ isActive, kind }) => isActive && (kind === 'healthy' || kind === 'suspect'),
    )
    if (isWaived) return
    const { id } = plan.site
    if (state.kind === 'ejected') {
      const outForMs = nowMs - state.sinceMs
      const isLongEnough = outForMs >= EJECTION_LEAST_MS
      return this.#violations.check(7, isLongEnough, () => `${id} ejected for ${outForMs} ms`)
    }
    const recent = this.#departuresOf(id).filter((atMs) => nowMs - atMs < LIMITS.flapWindowMs)
    const doublings = Math.max(0, recent.length - LIMITS.flapsMax)
    const leastMs = Math.min(LIMITS.holdDownMaxMs, LIMITS.holdDownMs * 2 ** doublings)
    const heldMs = nowMs - failedProbeMs
    this.#violations.check(7, heldMs >= leastMs, () => `${id} held down for ${heldMs} ms`)
  }

  #checkEjection(id: string, was: string, members: readonly FleetMember[]): void {
    const active = members.filter(({ isActive }) => isActive)
    const ejected = active.filter(({ kind }) => kind === 'ejected').length
    const allowed = Math.max(1, Math.floor(active.length * LIMITS.ejectMaxShare))
    const isAllowed = active.length >= 2 && ejected <= allowed
    this.#violations.check(8, isAllowed, () => `${ejected} of ${active.length} are ejected`)
    const self = members.find(({ regionId }) => regionId === id)
    if (was === 'probing' || !self?.isActive || !self.isAvailable) return
    const isLeft = active.some(
      ({ regionId, kind, isAvailable }) =>
        regionId !== id && isAvailable && (kind === 'healthy' || kind === 'suspect'),
    )
    this.#violations.check(8, isLeft, () => `${id} was the last one available`)
  }
}
