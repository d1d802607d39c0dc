// How tests steer the stand-in and see what it saw: the same few operations for those in its
// process and, through `handle-control.ts`, for those in others.

import type { StandInParts } from './call.ts'
import type { ControlChange } from './decode-control.ts'
import type { FaultRule } from './fault-rules.ts'
import { type Behaviour, parseFaults, withFaults } from './faults.ts'
import { VERSION } from './handle-models.ts'
import { SERVER_NAME } from './http-answers.ts'
import type { Counters, RequestRecord } from './request-log.ts'

/** All that can be seen of the stand-in from outside, at one moment. */
export interface StandInState {
  readonly server: string
  readonly version: string
  /** What all times count from: milliseconds since 1970 at their zero. */
  readonly timeOriginMs: number
  readonly nowMs: number
  readonly frozen: boolean
  readonly refusing: boolean
  readonly counters: Counters & { readonly running: number; readonly queued: number }
  readonly defaults: Behaviour
  readonly rules: readonly (FaultRule & { readonly harmed: number })[]
  /** The last requests that could make the model work, oldest first, at most 1,000. */
  readonly records: readonly RequestRecord[]
}

/** What tests steer the stand-in by. */
export interface StandInControl {
  /**
   * Makes a change. Rejects when it cannot listen again because the port was taken meanwhile.
   *
   * @throws {FaultSyntaxError} for faults that nobody knows; then nothing has changed.
   */
  apply(change: ControlChange): Promise<void>
  state(): StandInState
  /**
   * Waits until the state is as wanted, which it may be already, and returns it.
   *
   * @throws {Error} with the counters, when that takes longer than `deadlineMs` (10 s).
   */
  until(wanted: (state: StandInState) => boolean, deadlineMs?: number): Promise<StandInState>
}

/** The door that `refuse` closes and opens. */
export interface Listener {
  readonly isOpen: boolean
  open(): Promise<void>
  /** Ends every connection at once. */
  close(): Promise<void>
}

const DEADLINE_MS = 10_000

/** Joins the parts and the listener to what tests hold in their hands. */
export function controlOf(parts: StandInParts, listener: Listener): StandInControl {
  const startDefaults = parts.defaults
  return {
    async apply(change) {
      const defaults = withFaults(startDefaults, parseFaults(change.defaults ?? ''))
      const rules = change.faults ?? (change.reset ? [] : undefined)
      if (rules !== undefined) parts.rules.replace(rules)
      if (change.reset) parts.log.clear()
      if (change.reset || change.defaults !== undefined) {
        // As a default a load is only for models that are not resident.
        parts.defaults = { ...defaults, reload: false }
      }
      const freeze = change.freeze ?? (change.reset ? false : undefined)
      if (freeze === true) parts.gate.shut()
      if (freeze === false) parts.gate.open()
      const refuse = change.refuse ?? (change.reset ? false : undefined)
      if (refuse === true && listener.isOpen) await listener.close()
      if (refuse === false && !listener.isOpen) await listener.open()
      parts.log.changed()
    },
    state: () => stateOf(parts, listener),
    until: (wanted, deadlineMs = DEADLINE_MS) => {
      return waitFor(parts, () => stateOf(parts, listener), wanted, deadlineMs)
    },
  }
}

function stateOf(parts: StandInParts, listener: Listener): StandInState {
  const { slots, log, rules, gate, defaults } = parts
  return {
    server: SERVER_NAME,
    version: VERSION,
    timeOriginMs: performance.timeOrigin,
    nowMs: performance.now(),
    frozen: gate.isShut,
    refusing: !listener.isOpen,
    counters: { ...log.counters(), running: slots.running, queued: slots.waiting },
    defaults,
    rules: rules.report(),
    records: log.records(),
  }
}

function waitFor(
  { log }: StandInParts,
  state: () => StandInState,
  wanted: (state: StandInState) => boolean,
  deadlineMs: number,
): Promise<StandInState> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const now = state()
      if (!wanted(now)) return
      stop()
      resolve(now)
    }
    const unwatch = log.watch(look)
    const timer = setTimeout(() => {
      stop()
      const { counters } = state()
      reject(new Error(`not so after ${deadlineMs} ms: ${JSON.stringify(counters)}`))
    }, deadlineMs)
    const stop = (): void => {
      unwatch()
      clearTimeout(timer)
    }
    look()
  })
}
