import type { ServerResponse } from 'node:http'
import { encodeRegionFailure, REGION_ERRORS, type RegionFailure } from '#wire/error-codes.ts'

/**
 * Answers with the status of the failure's code and the failure as JSON. Only while no header has
 * been sent; nothing happens when the caller has gone.
 */
export function answerFailure(response: ServerResponse, failure: RegionFailure): void {
  if (response.destroyed) return
  const text = encodeRegionFailure(failure)
  response.writeHead(REGION_ERRORS[failure.code].status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
