// pure

import type { ErrorCode } from '../errors.ts'
import type { AttemptFailure } from './failures.ts'

export interface RequestProgress {
  /** Attempts made so far, the failed one included. */
  readonly attempts: number
  /** The first content byte has been written downstream. */
  readonly committed: boolean
  readonly nowMs: number
  readonly deadlineMs: number
}

export interface AttemptLimits {
  readonly attemptsMax: number
}

/**
 * Decides what follows a failed attempt: another region, or the code to give up with.
 *
 * Before commit a region's failure may start anew even when nobody knows whether work had started:
 * a generation changes nothing outside, and the abandoned one is cancelled. After commit a fresh
 * start would repeat text.
 */
export function decideNext(
  failure: AttemptFailure,
  progress: RequestProgress,
  limits: AttemptLimits,
): 'try-elsewhere' | ErrorCode {
  if (failure.fault === 'client') return failure.code
  if (progress.committed) return 'stream_interrupted'
  if (failure.fault === 'request') return failure.code
  if (progress.nowMs >= progress.deadlineMs) return 'deadline_exceeded'
  if (progress.attempts >= limits.attemptsMax) return failure.code
  return 'try-elsewhere'
}
