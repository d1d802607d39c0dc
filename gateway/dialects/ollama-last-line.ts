// pure

import { GatewayError } from '../errors.ts'
import type { AnswerEncoder } from './dialect.ts'
import { countOf, decodeModelJson } from './model-record.ts'

/**
 * Reads the line that ends a generation.
 * @throws {GatewayError} upstream_error when it is broken, an `{"error"}`, or does not end it.
 */
export function decodeLastLine(line: Buffer): Readonly<Record<string, unknown>> {
  const last = decodeModelJson(line.toString('utf8'))
  if (last.done === true) return last
  throw new GatewayError('upstream_error', { cause: new Error('the answer has no last line') })
}

/** The tokens that a last line counts. Ollama leaves out counters of 0: absent is unknown. */
export function usageOf(last: Readonly<Record<string, unknown>>): AnswerEncoder['usage'] {
  const inputTokens = countOf(last.prompt_eval_count)
  const outputTokens = countOf(last.eval_count)
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  }
}
