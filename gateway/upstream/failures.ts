// pure

import type { Fault, RegionErrorCode, RegionFailure, WorkStarted } from '#wire/error-codes.ts'
import type { ErrorCode } from '../errors.ts'

/** A failed attempt in the gateway's words: facts only, policy is `retry-policy.ts`'s. */
export interface AttemptFailure {
  readonly kind: 'failed'
  readonly code: ErrorCode
  readonly fault: Fault | 'client'
  readonly workStarted: WorkStarted
  /** The model server's own status and text, where it found the request at fault. */
  readonly status?: number
  readonly message?: string
  /** For the log: what was seen at the door. */
  readonly cause?: unknown
}

/** The phase of an attempt in which something went wrong (`routing.md`, attempts). */
export type AttemptPhase = 'connect' | 'send' | 'accept' | 'queue' | 'start' | 'content'

const CODES: Readonly<Record<RegionErrorCode, ErrorCode>> = {
  overflow: 'overloaded',
  'not-accepting': 'no_region_available',
  draining: 'no_region_available',
  'model-missing': 'model_not_found',
  version: 'no_region_available',
  'bad-call': 'internal_error',
  'forbidden-peer': 'no_region_available',
  'too-large': 'request_too_large',
  deadline: 'deadline_exceeded',
  cancelled: 'upstream_error',
  'slow-reader': 'client_closed',
  'no-answer': 'upstream_error',
  'worker-lost': 'upstream_error',
  'ollama-unreachable': 'upstream_error',
  'ollama-busy': 'overloaded',
  'ollama-silent': 'upstream_error',
  'ollama-failed': 'upstream_error',
  'out-of-memory': 'upstream_error',
  'request-refused': 'model_refused',
  internal: 'upstream_error',
}

/** Says in the gateway's words what a region reported. */
export function failureOfRegion(failure: RegionFailure): AttemptFailure {
  const { code, workStarted, status, message } = failure
  return {
    kind: 'failed',
    code: CODES[code],
    fault: faultOf(failure),
    workStarted,
    ...(status === undefined ? {} : { status }),
    // Only the model server's verdict on the request is for the client's eyes.
    ...(message === undefined || code !== 'request-refused' ? {} : { message }),
    cause: code,
  }
}

/**
 * The region knows its own share of the deadline only. Work that it took back because no worker
 * started in that time may find one elsewhere in the time that is left.
 */
function faultOf({ code, fault, workStarted }: RegionFailure): Fault {
  return code === 'deadline' && workStarted === 'no' ? 'region' : fault
}

/**
 * Says what a lost, refused or silent connection means in the phase in which it was met. Before the
 * request was written completely nothing can have started, because half a request is never
 * published; between that and the region's word nobody knows.
 */
export function failureOfPhase(phase: AttemptPhase, cause: unknown): AttemptFailure {
  const isBeforeSent = phase === 'connect' || phase === 'send'
  const isAfterStart = phase === 'start' || phase === 'content'
  return {
    kind: 'failed',
    code: isBeforeSent ? 'no_region_available' : 'upstream_error',
    fault: 'region',
    workStarted: isBeforeSent ? 'no' : isAfterStart ? 'yes' : 'unknown',
    cause,
  }
}
