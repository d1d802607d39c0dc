import { type RegionErrorCode, type RegionFailure, regionFailure } from '#wire/error-codes.ts'

/** Ends one piece of work badly, for a reason that the gateway is told. */
export class WorkFailed extends Error {
  override readonly name = 'WorkFailed'
  readonly failure: RegionFailure
  /** The worker's own `failed` frame, to be passed on as it came; absent when nobody sent one. */
  readonly frame: Uint8Array | undefined

  constructor(failure: RegionFailure, frame?: Uint8Array) {
    super(failure.code)
    this.failure = failure
    this.frame = frame
  }
}

/** Makes the error of a code with what the table says about it. */
export function workFailed(code: RegionErrorCode, message?: string): WorkFailed {
  return new WorkFailed(regionFailure(code, message === undefined ? {} : { message }))
}

/** Takes any thrown value: what is no `WorkFailed` is a mistake of ours, and reads `internal`. */
export function asWorkFailed(error: unknown): WorkFailed {
  return error instanceof WorkFailed ? error : new WorkFailed(regionFailure('internal'))
}
