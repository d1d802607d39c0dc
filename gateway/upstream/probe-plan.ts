// pure
// When a region is asked for its report, over which connection and for how long; and what is made
// of answers that come in another order than the questions, or after a pause of our own.

import { farLimitMs } from './far-limits.ts'
import type { HealthState } from './health-states.ts'

export interface ProbeLimits {
  readonly probeEveryMs: number
  readonly probeTimeoutMs: number
  /** The interval of fast probes, which do not wait for one another. */
  readonly probeFastMs: number
  /** Every so many-th probe is made on a connection of its own. */
  readonly probeNewConnectionEvery: number
}

/** What holds where nobody says otherwise. Source: routing.md, defaults. */
export const PROBE_DEFAULTS: ProbeLimits = Object.freeze({
  probeEveryMs: 1_000,
  probeTimeoutMs: 800,
  probeFastMs: 300,
  probeNewConnectionEvery: 10,
})

/** Spread of the interval, so that gateways do not ask in step: ± 20 %. */
const SPREAD = 0.4
/** How long an ejected region is asked quickly: its probes may tell soon that it is down. */
const EJECTED_FAST_MS = 3_000
/** The round trip that is assumed before one was measured, in ms: the longest that limits know. */
const UNKNOWN_RTT_MS = 400

/**
 * Whether a region is asked quickly. With the defaults one that refuses connections is out of
 * rotation after 1.2 + 0.3 = 1.5 s at most, and one that is frozen after 1.2 + 0.8 + 0.3 + 0.8 =
 * 3.1 s: the first probe that fails, one at once, and one 300 ms behind it.
 */
export function isAskedFast(state: HealthState, nowMs: number): boolean {
  if (state.kind === 'suspect') return true
  return state.kind === 'ejected' && nowMs - state.sinceMs < EJECTED_FAST_MS
}

/** From one question to the next, in ms; `chance` in [0, 1) spreads it. */
export function probeIntervalMs(
  state: HealthState,
  { nowMs, chance }: { readonly nowMs: number; readonly chance: number },
  { probeEveryMs, probeFastMs }: ProbeLimits,
): number {
  if (isAskedFast(state, nowMs)) return probeFastMs
  return probeEveryMs * (1 + SPREAD * (chance - 0.5))
}

/** How long a probe may take, in ms; `rttMs` is the mean so far. It may have to connect. */
export function probeLimitMs(rttMs: number | undefined, { probeTimeoutMs }: ProbeLimits): number {
  return farLimitMs(probeTimeoutMs, 3, rttMs ?? UNKNOWN_RTT_MS)
}

/**
 * The connection of a probe, counted from 1. A new one shows what a kept one hides: a listener that
 * accepts nobody any more, a certificate that has expired.
 */
export function probeConnection(
  number: number,
  { probeNewConnectionEvery }: ProbeLimits,
): 'warm' | 'new' {
  return number % probeNewConnectionEvery === 0 ? 'new' : 'warm'
}

/** The beat of this gateway's own timers. */
export interface Pulse {
  readonly beatMs: number
  /** When they went on after a pause; −Infinity = there was none. */
  readonly resumedMs: number
}

/** A pause of that many intervals, and of 3 s at least, is no jitter: this process was stopped. */
const PAUSE_INTERVALS = 3
const PAUSE_MS_MIN = 3_000
/** Time limits that passed during a pause are noticed this long after it, in ms. */
const WAKING_MS = 1_000

/**
 * Follows a beat, one of which comes with every probe of any region. After a pause all reports are
 * old while every state is still as it was: then all regions must be asked at once, and nothing
 * that a time limit said meanwhile counts.
 */
export function nextPulse(pulse: Pulse, nowMs: number, { probeEveryMs }: ProbeLimits): Pulse {
  const isPause = nowMs - pulse.beatMs > Math.max(PAUSE_MS_MIN, PAUSE_INTERVALS * probeEveryMs)
  return { beatMs: nowMs, resumedMs: isPause ? nowMs : pulse.resumedMs }
}

/** Whether what is seen now may be an effect of a pause of our own. */
export function isWaking({ resumedMs }: Pulse, nowMs: number): boolean {
  return nowMs - resumedMs < WAKING_MS
}
