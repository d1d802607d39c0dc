// pure
// JSON as Go's encoding/json writes and refuses it, because clients match the error texts and
// because escapes such as \u003c are what really stands in Ollama's bytes.

import { Refusal } from './refusal.ts'

/** Any JSON object, unchecked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Writes a value as Go does: with `<`, `>`, `&` and the two line separators escaped. */
export function goJson(value: unknown): string {
  const json = JSON.stringify(value)
  return /[<>&\u2028\u2029]/.test(json) ? json.replace(/[<>&\u2028\u2029]/g, escaped) : json
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Reads a request body into an object whose known fields have the types that Go wants.
 *
 * `goType` names the whole, such as `api.ChatRequest`; `fields` gives the Go type of each known
 * field. `null` is an absent field. Other fields pass untouched.
 *
 * @throws {Refusal} 400 with Go's own words; which of several errors is named may differ from Go.
 */
export function parseBody(
  text: string,
  goType: string,
  fields: Readonly<Record<string, string>>,
): JsonObject {
  const value = parseJson(text)
  if (!isObject(value)) throw mismatch(value, `value of type ${goType}`)
  const present = Object.entries(value).filter(([, field]) => field !== null)
  for (const [name, field] of present) {
    const wanted = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (wanted !== undefined) checkType(field, wanted, `${goType.replace('api.', '')}.${name}`)
  }
  return Object.fromEntries(present)
}

/** Checks one value. @throws {Refusal} 400 naming `path` and the Go type `wanted`. */
export function checkType(value: unknown, wanted: string, path: string): void {
  const kind = kindOf(value)
  if (kind === kindWanted(wanted) || wanted === 'any') return
  throw mismatch(value, `struct field ${path} of type ${wanted}`)
}

/** Tells whether a JSON value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return kindOf(value) === 'object'
}

function mismatch(value: unknown, wanted: string): Refusal {
  return new Refusal(400, `json: cannot unmarshal ${kindOf(value)} into Go ${wanted}`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function kindWanted(goType: string): string {
  if (goType.startsWith('[]') || goType === 'api.Tools') return 'array'
  if (goType === 'int') return 'number'
  return goType === 'string' || goType === 'bool' ? goType : 'object'
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw new Refusal(400, 'missing request body')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Refusal(400, syntaxError(text, String(cause)))
  }
}

function syntaxError(text: string, v8: string): string {
  const at = / at position (\d+)/.exec(v8)?.[1]
  const character = at === undefined ? /token '(.)'/u.exec(v8)?.[1] : text[Number(at)]
  if (character === undefined || v8.includes('Unterminated')) return 'unexpected EOF'
  if (v8.includes('property name or') || v8.includes('double-quoted property name')) {
    return `invalid character '${character}' looking for beginning of object key string`
  }
  if (v8.includes("':' after")) return `invalid character '${character}' after object key`
  if (v8.includes("'}' after")) {
    return `invalid character '${character}' after object key:value pair`
  }
  if (v8.includes("']' after")) return `invalid character '${character}' after array element`
  return `invalid character '${character}' looking for beginning of value`
}
