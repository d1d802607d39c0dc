// pure

import type { GatewayError } from '../errors.ts'

/** Writes an error as every `/v1` answer does: four keys, always all of them. */
export function openAiErrorBody({ message, row, param, code }: GatewayError): string {
  return JSON.stringify({ error: { message, type: row.type, param: param ?? null, code } })
}
