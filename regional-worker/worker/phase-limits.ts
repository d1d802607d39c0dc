// pure
//
// How long Ollama may be silent. The limits are driven by its output only: what the worker itself
// says (`alive`) proves that the worker lives, and nothing about the model.

import type { AlivePayload } from '#wire/frames.ts'

export interface PhaseLimits {
  /** Until the first output of a resident model, beside the time for its prompt. */
  readonly firstOutputMs: number
  readonly prefillMsPerToken: number
  /** Until the first output while the model loads; also the most that a long prompt can bring. */
  readonly loadMs: number
  /** Between two pieces of output. */
  readonly silenceMs: number
  /** The same for a request with tools: Ollama holds a tool call back until it is complete. */
  readonly toolCallMs: number
}

/** Where a call to Ollama stands. Every `…Ms` is a moment of one monotonic clock. */
export interface CallProgress {
  readonly calledMs: number
  /** When the model was last known to have become able to answer; `undefined` while it is not. */
  readonly residentSinceMs: number | undefined
  readonly promptTokens: number
  readonly usesTools: boolean
  readonly hasOutput: boolean
  /** The last output, or the moment when reading went on after a pause. */
  readonly lastOutputMs: number
  /** Nobody reads what Ollama writes, so it cannot be blamed for silence. */
  readonly isPaused: boolean
}

const BYTES_PER_TOKEN = 4
/** The most that a cancelled prefill keeps its slot busy, in ms. */
const PREFILL_REST_MS_MAX = 30_000
const TOOLS_KEY = Buffer.from('"tools"')

/** Estimates the prompt's tokens from the size of the request. */
export function estimatePromptTokens(bodyBytes: number): number {
  return Math.ceil(bodyBytes / BYTES_PER_TOKEN)
}

/** Tells whether a request may offer tools; true also when only a nested key is called so. */
export function mayUseTools(body: Buffer): boolean {
  return body.includes(TOOLS_KEY)
}

/** Decides whether Ollama has been silent for longer than its phase allows. */
export function isTooSilent(call: CallProgress, limits: PhaseLimits, nowMs: number): boolean {
  if (call.isPaused) return false
  if (call.hasOutput) {
    return nowMs - call.lastOutputMs > (call.usesTools ? limits.toolCallMs : limits.silenceMs)
  }
  if (call.residentSinceMs === undefined) return nowMs - call.calledMs > limits.loadMs
  const prefillMs = limits.prefillMsPerToken * call.promptTokens
  const limitMs = Math.min(limits.firstOutputMs + prefillMs, limits.loadMs)
  // A model that another request has just loaded begins with this prompt now.
  const beganMs = Math.max(call.calledMs, call.residentSinceMs, call.lastOutputMs)
  return nowMs - beganMs > limitMs
}

/** Names what a silent call is doing, for whoever waits for it. */
export function phaseOf(call: CallProgress): AlivePayload['phase'] {
  if (call.hasOutput) return 'decode'
  return call.residentSinceMs === undefined ? 'loading' : 'prefill'
}

/**
 * Estimates for how long Ollama goes on with the prompt of a call that was cancelled before its
 * first output: the runner notices only at the first token. 0 when it had not begun, or is through.
 */
export function prefillRestMs(
  call: CallProgress,
  measuredMsPerToken: number,
  nowMs: number,
): number {
  if (call.hasOutput || call.residentSinceMs === undefined) return 0
  const beganMs = Math.max(call.calledMs, call.residentSinceMs)
  const restMs = call.promptTokens * measuredMsPerToken - (nowMs - beganMs)
  return Math.min(Math.max(restMs, 0), PREFILL_REST_MS_MAX)
}
