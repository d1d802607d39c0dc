// pure
// The ingresses of one region, as far as one gateway can reach them. A region whose one door is
// shut is not to blame while another is open.

export interface EndpointLimits {
  /** So many good probes in a row, over so long a time, bring an endpoint back. */
  readonly probeRise: number
  readonly probeRiseOverMs: number
}

/** `aside`: nothing is sent there while another is in use. */
export type EndpointState =
  | {
      readonly kind: 'used'
      /** In a row. */
      readonly failures: number
      /** By its last report it takes new work. */
      readonly isTaking: boolean
    }
  | { readonly kind: 'aside'; readonly passed: number; readonly firstPassedMs: number }

export type EndpointEvent =
  | { readonly kind: 'probe-passed'; readonly isTaking: boolean }
  | { readonly kind: 'probe-failed' }
  /** A request could not connect, or lost its connection. */
  | { readonly kind: 'connection-failed' }
  | { readonly kind: 'reached' }

/** Of an endpoint that nothing is known about. */
export const NEW_ENDPOINT: EndpointState = Object.freeze({
  kind: 'used',
  failures: 0,
  isTaking: true,
})

/** So many failures in a row set an endpoint aside. */
const ENDPOINT_FALL = 2

/** Follows one event. What does not change is the same object. */
export function nextEndpoint(
  state: EndpointState,
  event: EndpointEvent,
  nowMs: number,
  limits: EndpointLimits,
): EndpointState {
  switch (event.kind) {
    case 'probe-failed':
    case 'connection-failed':
      return afterFailure(state)
    case 'reached':
      return state.kind === 'aside' || state.failures === 0 ? state : { ...state, failures: 0 }
    case 'probe-passed':
      return afterPass(state, event.isTaking, nowMs, limits)
    default:
      return event satisfies never
  }
}

/**
 * The endpoints that work goes to, by their places: those in use that take work; else all in use.
 * The last one cannot be missed: where all are aside it is those whose last probe passed, or all.
 */
export function endpointsToUse(endpoints: readonly EndpointState[]): number[] {
  const all = endpoints.map((state, at) => ({ state, at }))
  const used = all.filter(({ state }) => state.kind === 'used')
  const taking = used.filter(({ state }) => state.kind === 'used' && state.isTaking)
  const answering = all.filter(({ state }) => state.kind === 'aside' && state.passed > 0)
  const best = [taking, used, answering].find((some) => some.length > 0) ?? all
  return best.map(({ at }) => at)
}

/** Whether a failed connection at one endpoint is the region's: no other one is in use. */
export function isRegionAtFault(endpoints: readonly EndpointState[], at: number): boolean {
  return endpoints.every((state, other) => other === at || state.kind === 'aside')
}

function afterFailure(state: EndpointState): EndpointState {
  if (state.kind === 'aside') return state.passed === 0 ? state : { ...state, passed: 0 }
  const failures = state.failures + 1
  if (failures < ENDPOINT_FALL) return { ...state, failures }
  return { kind: 'aside', passed: 0, firstPassedMs: 0 }
}

function afterPass(
  state: EndpointState,
  isTaking: boolean,
  nowMs: number,
  limits: EndpointLimits,
): EndpointState {
  if (state.kind === 'used') {
    if (state.failures === 0 && state.isTaking === isTaking) return state
    return { kind: 'used', failures: 0, isTaking }
  }
  const passed = state.passed + 1
  const firstPassedMs = state.passed === 0 ? nowMs : state.firstPassedMs
  const hasRisen = passed >= limits.probeRise && nowMs - firstPassedMs >= limits.probeRiseOverMs
  return hasRisen
    ? { kind: 'used', failures: 0, isTaking }
    : { kind: 'aside', passed, firstPassedMs }
}
