import { type ErrorCode, GatewayError } from '../errors.ts'
import type { AttemptFailure } from './failures.ts'
import { type AttemptLimits, decideNext, type RequestProgress } from './retry-policy.ts'

export type AttemptOutcome = { readonly kind: 'answered' } | AttemptFailure

export interface RouteDeps {
  /**
   * The best region that is not in `tried`, with the whole filter applied again; `undefined` when
   * none is left.
   */
  chooseRegion(tried: readonly string[]): string | undefined
  /** Runs one attempt to its end. Never throws. */
  attempt(regionId: string, attempt: number): Promise<AttemptOutcome>
  progress(attempts: number): RequestProgress
  readonly limits: AttemptLimits
}

/**
 * Tries regions, best first, until one has answered.
 *
 * @throws {GatewayError} the last failure's code when none did; `no_region_available` when there
 *   was none to try; `stream_interrupted` when the answer broke after its first content.
 */
export async function route(deps: RouteDeps): Promise<void> {
  const tried: string[] = []
  let last: AttemptFailure | undefined
  for (;;) {
    const regionId = deps.chooseRegion(tried)
    if (regionId === undefined) throw errorOf(last?.code ?? 'no_region_available', last)
    tried.push(regionId)
    const outcome = await deps.attempt(regionId, tried.length)
    if (outcome.kind === 'answered') return

    const next = decideNext(outcome, deps.progress(tried.length), deps.limits)
    if (next !== 'try-elsewhere') throw errorOf(next, outcome)
    last = outcome
  }
}

function errorOf(code: ErrorCode, failure: AttemptFailure | undefined): GatewayError {
  const { message, status, cause } = failure ?? {}
  return new GatewayError(code, {
    cause,
    ...(message === undefined ? {} : { message }),
    ...(status === undefined ? {} : { status }),
  })
}
