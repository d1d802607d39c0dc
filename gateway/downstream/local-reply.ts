// pure

import { ollamaErrorBody } from '../dialects/ollama-error.ts'
import { openAiErrorBody } from '../dialects/openai-error.ts'
import type { GatewayError } from '../errors.ts'

/** How the client of a path speaks, known before its request is read. */
export type DialectName = 'openai' | 'ollama'

export interface LocalReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: string
}

/**
 * Tells the dialect of a path, with or without a query, by its prefix. What is neither is answered
 * as OpenAI would.
 */
export function dialectOf(path: string): DialectName {
  return /^\/(?:api(?:\/|$|\?)|$|\?)/.test(path) ? 'ollama' : 'openai'
}

/**
 * Writes an error that the gateway answers itself, in the client's dialect and with the hints that
 * its SDK obeys. `chance` in [0, 1) spreads the return of many clients over three seconds.
 */
export function localReply(error: GatewayError, dialect: DialectName, chance: number): LocalReply {
  const body = dialect === 'openai' ? openAiErrorBody(error) : ollamaErrorBody(error)
  const headers: Record<string, string | number> = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  }
  if (error.row.retryHint === 'stop') headers['x-should-retry'] = 'false'
  if (error.row.retryHint === 'wait') {
    const seconds = (error.retryAfterS ?? 1) + Math.floor(chance * 3)
    headers['retry-after'] = seconds
    headers['retry-after-ms'] = seconds * 1_000
  }
  return { status: error.status, headers, body }
}
