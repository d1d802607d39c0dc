// pure

/**
 * What a gateway thinks of a region. `suspect` is in rotation: nothing is known yet, or a probe has
 * failed. `down` is out of rotation until probes pass again.
 */
export type HealthState =
  | { readonly kind: 'suspect'; readonly sinceMs: number; readonly failedProbes: number }
  | { readonly kind: 'healthy'; readonly sinceMs: number }
  | { readonly kind: 'down'; readonly sinceMs: number; readonly passedProbes: number }

export type HealthEvent = { readonly kind: 'probe-passed' } | { readonly kind: 'probe-failed' }

export interface HealthLimits {
  /** So many failed probes in a row take a region out of rotation. */
  readonly probeFall: number
  /** So many good probes in a row bring it back. */
  readonly probeRise: number
}

/** What is thought of a region that nothing is known about: try it. */
export function initialHealth(nowMs: number): HealthState {
  return { kind: 'suspect', sinceMs: nowMs, failedProbes: 0 }
}

/** Follows one event. Returns the same object when nothing changes. */
export function nextHealth(
  state: HealthState,
  event: HealthEvent,
  nowMs: number,
  limits: HealthLimits,
): HealthState {
  switch (event.kind) {
    case 'probe-passed':
      return afterPass(state, nowMs, limits)
    case 'probe-failed':
      return afterFailure(state, nowMs, limits)
    default:
      return event satisfies never
  }
}

/** Whether new work may go there. */
export function isInRotation(state: HealthState): boolean {
  return state.kind !== 'down'
}

function afterPass(state: HealthState, nowMs: number, limits: HealthLimits): HealthState {
  if (state.kind === 'healthy') return state
  if (state.kind === 'suspect') return { kind: 'healthy', sinceMs: nowMs }
  const passedProbes = state.passedProbes + 1
  if (passedProbes >= limits.probeRise) return { kind: 'healthy', sinceMs: nowMs }
  return { ...state, passedProbes }
}

function afterFailure(state: HealthState, nowMs: number, limits: HealthLimits): HealthState {
  if (state.kind === 'down') return state.passedProbes === 0 ? state : { ...state, passedProbes: 0 }
  const failedProbes = state.kind === 'suspect' ? state.failedProbes + 1 : 1
  if (failedProbes >= limits.probeFall) return { kind: 'down', sinceMs: nowMs, passedProbes: 0 }
  const sinceMs = state.kind === 'suspect' ? state.sinceMs : nowMs
  return { kind: 'suspect', sinceMs, failedProbes }
}
