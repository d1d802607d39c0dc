// pure
import type { FaultRule } from './fault-rules.ts'
import { isObject, type JsonObject } from './go-json.ts'
import { Refusal } from './refusal.ts'

/** What to change; what is absent stays as it is. */
export interface ControlChange {
  /** Puts everything back as it was at the start, before the rest of the change. */
  readonly reset?: boolean
  /** How requests are answered that ask for nothing special, as faults on top of the start's. */
  readonly defaults?: string
  /** Replaces all rules. */
  readonly faults?: readonly FaultRule[]
  /** Holds all requests where they stand, reads too, or lets them go on. */
  readonly freeze?: boolean
  /** Closes the listener and every connection, as a dead process does, or listens again. */
  readonly refuse?: boolean
}

const CHANGE_KEYS = {
  reset: 'boolean',
  defaults: 'string',
  faults: 'object',
  freeze: 'boolean',
  refuse: 'boolean',
}
const RULE_KEYS = {
  faults: 'string',
  path: 'string',
  model: 'string',
  promptIncludes: 'string',
  skip: 'number',
  times: 'number',
  every: 'number',
}

/** Reads the body of a control request. @throws {Refusal} 400 naming what is wrong with it. */
export function decodeControlChange(text: string): ControlChange {
  const value = parse(text)
  checkKeys(value, CHANGE_KEYS, '')
  if (value.faults === undefined) return value as ControlChange
  if (!Array.isArray(value.faults)) throw new Refusal(400, 'faults: want a list of rules')
  return { ...value, faults: value.faults.map(decodeRule) } as ControlChange
}

function decodeRule(value: unknown, at: number): FaultRule {
  const path = `faults[${at}]`
  if (!isObject(value)) throw new Refusal(400, `${path}: want an object`)
  checkKeys(value, RULE_KEYS, `${path}.`)
  if (value.faults === undefined) throw new Refusal(400, `${path}.faults: is missing`)
  return value as unknown as FaultRule
}

function checkKeys(value: JsonObject, keys: Readonly<Record<string, string>>, path: string): void {
  for (const [key, there] of Object.entries(value)) {
    const wanted = Object.hasOwn(keys, key) ? keys[key] : undefined
    const known = Object.keys(keys).join(', ')
    if (wanted === undefined) throw new Refusal(400, `${path}${key}: unknown; known: ${known}`)
    if (typeof there !== wanted) throw new Refusal(400, `${path}${key}: want a ${wanted}`)
  }
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Said below, together with JSON that is no object.
  }
  throw new Refusal(400, 'want a JSON object')
}
