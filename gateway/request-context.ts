// pure

import type { WorkStarted } from '#wire/error-codes.ts'
import type { ErrorCode } from './errors.ts'
import type { Place } from './place/locate.ts'

/** One try at one region, as log, metrics and the explain record show it. */
export interface AttemptRecord {
  readonly regionId: string
  readonly startedMs: number
  workerId?: string
  acceptedMs?: number
  workerStartedMs?: number
  firstContentMs?: number
  endedMs?: number
  outcome?: 'answered' | ErrorCode
  /** The region's own word for what went wrong. */
  code?: string
  workStarted?: WorkStarted
  /** 1 when another region has refused the request because it was full. */
  hop?: 0 | 1
  /** What paid for the attempt. */
  paidBy?: 'first' | 'budget' | 'grant'
}

/**
 * What is known about one request, filled in by the stations as it passes them. `…Ms` times are of
 * the monotonic clock. Holds no prompt and no answer.
 */
export interface RequestContext {
  readonly requestId: string
  readonly startedMs: number
  readonly method: string
  /** The route's pattern, never the client's text. */
  readonly route: string
  readonly httpVersion: string
  /** Client address, or `undefined` when it cannot be known. Never logged whole. */
  clientAddress?: string
  place?: Place
  model?: string
  isStream?: boolean
  affinity?: { readonly source: 'field' | 'messages'; readonly hash: string }
  /** Its data may not go everywhere. */
  isRestricted?: boolean
  readonly attempts: AttemptRecord[]
  /** Region of the first content. */
  regionId?: string
  committedMs?: number
  status?: number
  bytesIn: number
  bytesOut: number
  inputTokens?: number
  outputTokens?: number
  /** How it ended; `undefined` = well. */
  errorCode?: ErrorCode
  /** Of a failure that is ours: the error itself, for the log alone. */
  cause?: unknown
}

/** Opens the record of a request. */
export function openContext(
  facts: Pick<RequestContext, 'requestId' | 'startedMs' | 'method' | 'route' | 'httpVersion'>,
): RequestContext {
  return { ...facts, attempts: [], bytesIn: 0, bytesOut: 0 }
}
