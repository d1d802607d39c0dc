// pure

import { GatewayError } from '../errors.ts'

/**
 * Refuses text that was sent as tokens, in a field that may hold one text or several. Every model
 * has its own tokens, and those of a client are seldom those of the model behind its name.
 *
 * @throws {GatewayError} unsupported_parameter naming the field.
 */
export function refuseTokenArrays(body: unknown, field: string): void {
  const value = (body as Readonly<Record<string, unknown>> | null)?.[field]
  if (!Array.isArray(value) || !value.some((item) => typeof item !== 'string')) return
  if (!value.every((item) => typeof item === 'number' || Array.isArray(item))) return
  throw new GatewayError('unsupported_parameter', {
    message: `Unsupported parameter: '${field}': token arrays are not taken, send text.`,
    param: field,
  })
}
