// pure
// What an attempt says of the region it went to, whoever is to blame for how it ended. Only broken
// infrastructure counts against a region: anything that a client could bring about must not, or one
// client could take a region from all others.

import { decodeRegionFailure, type RegionErrorCode } from '#wire/error-codes.ts'
import type { AttemptPhase } from './failures.ts'

/**
 * `reached`: the region itself spoke, if only to refuse. `not-accepting`: it did, and its lane
 * takes nothing. `connection`: none could be made, or it was lost. `infrastructure`: anything else
 * that is broken between here and there. An attempt that its client or a deadline ended says
 * nothing.
 */
export type Evidence = 'reached' | 'not-accepting' | 'connection' | 'infrastructure'

/** What a time limit says that passed in a phase in which the region owed a sign of life. */
export function evidenceOfLimit(phase: AttemptPhase): Evidence {
  return phase === 'connect' || phase === 'send' || phase === 'accept'
    ? 'connection'
    : 'infrastructure'
}

/** What a failure says that the region reported. */
export function evidenceOfFailure(code: RegionErrorCode): Evidence {
  return code === 'not-accepting' ? 'not-accepting' : 'reached'
}

/**
 * What an error answer says: a server error without a code is not an ingress's own word, but that
 * of a proxy which does not reach it, or of whatever has taken its place.
 */
export function evidenceOfAnswer(status: number, body: string): Evidence {
  if (status >= 500 && !hasCode(body)) return 'infrastructure'
  return evidenceOfFailure(decodeRegionFailure(body).code)
}

/** Whether there is a code, one of a newer build that is not known here included. */
function hasCode(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body)
    return typeof (value as { code?: unknown } | null)?.code === 'string'
  } catch {
    return false
  }
}
