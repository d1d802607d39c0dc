// pure
//
// Every way in which a call to Ollama fails, told apart once. Beyond this page only codes are
// compared.

import { type RegionFailure, regionFailure, type WorkStarted } from '#wire/error-codes.ts'
import { decodeErrorText } from './ollama-answers.ts'

/**
 * Classifies an answer that is no success. `body` may be cut at the end.
 *
 * 401, 403 and 407 are the word of a proxy or of an account about this site, and 429 of a limit at
 * it: the request would do well elsewhere.
 */
export function failureOfStatus(status: number, body: string): RegionFailure {
  const message = decodeErrorText(body)
  if (status === 404 && MODEL_MISSING.test(message)) return regionFailure('model-missing')
  if (status === 408 || status === 429) return regionFailure('ollama-busy', { message })
  if (status === 503 && BUSY.test(message)) return regionFailure('ollama-busy', { message })
  if (status === 401 || status === 403 || status === 407) {
    return regionFailure('ollama-failed', { workStarted: 'no', message })
  }
  if (status >= 400 && status < 500) return regionFailure('request-refused', { status, message })
  return failureOfText(message)
}

/** Classifies an error that Ollama reports by text alone: status 5xx, or a line in the stream. */
export function failureOfText(message: string): RegionFailure {
  return regionFailure(OUT_OF_MEMORY.test(message) ? 'out-of-memory' : 'ollama-failed', { message })
}

/** What is known of a call when its connection fails. */
export type CallReach = 'not-sent' | 'sent' | 'answering'

/**
 * Classifies a connection that could not be made or was cut, by the error's code or name. What is
 * not HTTP, or over a limit of the client, is Ollama's failure; all else is a connection gone.
 */
export function failureOfConnection(errorCode: string, reach: CallReach): RegionFailure {
  const workStarted = WORK_STARTED[reach]
  const code = NOT_ITS_PROTOCOL.test(errorCode) ? 'ollama-failed' : 'ollama-unreachable'
  return regionFailure(code, { workStarted, message: errorCode })
}

const WORK_STARTED = {
  'not-sent': 'no',
  sent: 'unknown',
  answering: 'yes',
} as const satisfies Record<CallReach, WorkStarted>

const MODEL_MISSING = /\bmodel\b.*\bnot found\b/i
const BUSY = /server busy|maximum pending requests/i
const NOT_ITS_PROTOCOL = /^HPE_|^HTTPParserError$|^UND_ERR_HEADERS_OVERFLOW$/

// "model requires more system memory (5 GiB) than is available (2 GiB)", "CUDA error: out of
// memory", "unable to allocate CUDA0 buffer", "failed to allocate memory for model".
const OUT_OF_MEMORY = new RegExp(
  [
    'out of memory',
    'requires more (?:\\w+ )?memory',
    '(?:unable|failed) to allocate',
    '(?:insufficient|not enough) (?:\\w+ )?memory',
  ].join('|'),
  'i',
)
