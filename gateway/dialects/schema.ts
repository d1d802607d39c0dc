// The door of typebox. A schema is written once and used three times: it checks a body with
// compiled code, it says in one sentence what is wrong with a body, and OpenAPI 3.1 shows it.
//
// typebox's own list of errors is not used: it has eight entries at most, and for a union it names
// the complaints of every branch. The walk below stops at the first problem and knows which branch
// was meant, by the kind that a message or a part gives itself (`discriminator`).

import { type Static, type TSchema, Type } from 'typebox'
import { Check, Compile } from 'typebox/schema'
import { type ErrorCode, GatewayError } from '../errors.ts'

/** typebox's builder and the type of what a schema accepts. Nobody else imports the package. */
export { type Static, Type }

/** What is wrong with a value, and where. */
export interface SchemaProblem {
  /** As OpenAI writes it: `messages[2].content[1].input_audio`; '' is the value itself. */
  readonly path: string
  readonly code: Extract<
    ErrorCode,
    'missing_parameter' | 'invalid_value' | 'unknown_parameter' | 'unsupported_parameter'
  >
  /** One sentence for the client; it never repeats the value. */
  readonly message: string
}

export interface CompiledSchema<T extends TSchema> {
  /** The schema as plain JSON Schema, for OpenAPI. */
  readonly schema: T
  /** The first problem in the order of the schema, then of the value; `undefined` when it fits. */
  problemOf(value: unknown): SchemaProblem | undefined
  /**
   * Hands the value back with its type: nothing is coerced, removed or filled in.
   * @throws {GatewayError} with code, message and path of the first problem.
   */
  parse(value: unknown): Static<T>
  /**
   * Paths of the fields marked by `noted` that say something in `value`, each once and with `[]`
   * for any index: `messages[].name`. `null`, `false` and what is empty say nothing.
   */
  notedIn(value: unknown): readonly string[]
}

/** Compiles a schema. @throws {Error} when it uses a keyword that the walk cannot explain. */
export function compileSchema<T extends TSchema>(schema: T): CompiledSchema<T> {
  const root = schema as SchemaNode
  assertExplainable(root)
  const compiled = Compile(root)
  const notedPaths = notedPathsOf(root)
  const problemOf = (value: unknown): SchemaProblem | undefined =>
    compiled.Check(value) ? undefined : (problemAt(root, value, '') ?? invalid('', root))
  return {
    schema,
    problemOf,
    parse: (value) => {
      const problem = problemOf(value)
      if (problem === undefined) return value as Static<T>
      const { code, message, path } = problem
      throw new GatewayError(code, { message, ...(path === '' ? {} : { param: path }) })
    },
    notedIn: (value) =>
      notedPaths.filter((steps) => saysSomething(value, steps)).map(([path = '']) => path),
  }
}

/** A field that may be left out; `null` means the same. */
export function optional<T extends TSchema>(schema: T) {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}

/** An optional field that is accepted, changes nothing, and is therefore named in the answer. */
export function noted<T extends TSchema>(schema: T) {
  return Type.Optional(Type.Union([schema, Type.Null()], { 'x-noted': true }))
}

/** A value that is understood and not offered. `message` says why, or what to use instead. */
export function refused(message: string) {
  return Type.Never({ description: message, 'x-refused': message })
}

/** A field that is not offered; an empty object or list in it asks for nothing and may pass. */
export function refusedUnlessEmpty(message: string) {
  const nothing = Type.Object({}, { additionalProperties: false })
  const none = Type.Array(Type.Unknown(), { maxItems: 0 })
  return Type.Optional(Type.Union([Type.Null(), nothing, none, refused(message)]))
}

/** Any object, left as it is. */
export function anyObject(options: { readonly description?: string } = {}) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', ...options })
}

/**
 * One of several objects, told apart by their field `key`. `refusedKinds` are values of `key` that
 * are understood and not offered, each with its message.
 */
export function variants<T extends TSchema[]>(
  key: string,
  members: [...T],
  refusedKinds: Readonly<Record<string, string>> = {},
) {
  return Type.Union(members, {
    discriminator: { propertyName: key },
    'x-refused-kinds': refusedKinds,
  })
}

/** The JSON Schema that our builders and typebox's make. */
interface SchemaNode {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly SchemaNode[]
  readonly discriminator?: { readonly propertyName: string }
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly items?: SchemaNode
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly not?: unknown
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly 'x-noted'?: boolean
  readonly 'x-refused'?: string
  readonly 'x-refused-kinds'?: Readonly<Record<string, string>>
}

const EXPLAINED: ReadonlySet<string> = new Set([
  ...['type', 'const', 'enum', 'anyOf', 'discriminator', 'properties', 'required', 'items'],
  ...['additionalProperties', 'minItems', 'maxItems', 'minLength', 'maxLength', 'minimum'],
  ...['maximum', 'pattern', 'not', 'title', 'description', 'default', 'examples'],
  ...['x-noted', 'x-refused', 'x-refused-kinds'],
])

function assertExplainable(schema: SchemaNode): void {
  for (const keyword of Object.keys(schema)) {
    if (!EXPLAINED.has(keyword)) throw new Error(`schema keyword "${keyword}" is not explained`)
  }
  if (typeof schema.additionalProperties === 'object') {
    throw new Error('a schema for additional properties is not explained')
  }
  for (const inner of childrenOf(schema)) assertExplainable(inner)
}

function childrenOf({ anyOf = [], properties = {}, items }: SchemaNode): readonly SchemaNode[] {
  return [...anyOf, ...Object.values(properties), ...(items === undefined ? [] : [items])]
}

function problemAt(schema: SchemaNode, value: unknown, path: string): SchemaProblem | undefined {
  const refusal = schema['x-refused']
  if (refusal !== undefined) return unsupported(path, refusal)
  if (schema.discriminator !== undefined) return variantProblem(schema, value, path)
  if (schema.anyOf !== undefined) return unionProblem(schema, schema.anyOf, value, path)
  if (schema.type === 'object' && isObject(value)) return objectProblem(schema, value, path)
  if (schema.type === 'array' && Array.isArray(value)) return arrayProblem(schema, value, path)
  return Check(schema, value) ? undefined : invalid(path, schema)
}

function variantProblem(
  schema: SchemaNode,
  value: unknown,
  path: string,
): SchemaProblem | undefined {
  if (!isObject(value)) return invalid(path, schema)
  const { anyOf = [], discriminator, 'x-refused-kinds': refusedKinds = {} } = schema
  const key = discriminator?.propertyName ?? ''
  const kindPath = pathOf(path, key)
  const kind = Object.hasOwn(value, key) ? value[key] : undefined
  if (kind === undefined || kind === null) return missing(kindPath)
  if (typeof kind === 'string' && Object.hasOwn(refusedKinds, kind)) {
    return unsupported(kindPath, refusedKinds[kind] ?? '')
  }
  const meant = anyOf.find(({ properties }) => Check(properties?.[key] ?? {}, kind))
  return meant === undefined
    ? invalid(kindPath, { anyOf: kindsOf(anyOf, key) })
    : problemAt(meant, value, path)
}

/** What `key` may be in variants that can be used at all: none that holds a refused field. */
function kindsOf(variants: readonly SchemaNode[], key: string): readonly SchemaNode[] {
  return variants
    .map(({ properties = {} }) => properties)
    .filter((properties) => Object.values(properties).every((it) => it['x-refused'] === undefined))
    .flatMap((properties) => properties[key] ?? [])
}

function unionProblem(
  schema: SchemaNode,
  branches: readonly SchemaNode[],
  value: unknown,
  path: string,
): SchemaProblem | undefined {
  if (Check(schema, value)) return undefined
  const refusal = branches.find((branch) => branch['x-refused'] !== undefined)
  if (refusal !== undefined) return problemAt(refusal, value, path)
  const meant = branches.find((branch) => isMeant(branch, value))
  return meant === undefined ? invalid(path, schema) : problemAt(meant, value, path)
}

/** Whether a value has at least the JSON type that a branch of a union is about. */
function isMeant({ type, anyOf }: SchemaNode, value: unknown): boolean {
  if (anyOf !== undefined) return anyOf.some((branch) => isMeant(branch, value))
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  return typeof value === (type === 'integer' ? 'number' : type)
}

function objectProblem(
  schema: SchemaNode,
  value: Readonly<Record<string, unknown>>,
  path: string,
): SchemaProblem | undefined {
  const { properties = {}, required = [], additionalProperties } = schema
  for (const [key, inner] of Object.entries(properties)) {
    const isRequired = required.includes(key)
    if (!Object.hasOwn(value, key)) {
      if (isRequired) return missing(pathOf(path, key))
      continue
    }
    const problem = problemAt(inner, value[key], pathOf(path, key))
    if (problem === undefined) continue
    const isAbsent = isRequired && value[key] === null && problem.code === 'invalid_value'
    return isAbsent ? missing(problem.path) : problem
  }
  if (additionalProperties !== false) return undefined
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(properties, key))
  return unknown === undefined ? undefined : unknownParameter(pathOf(path, unknown))
}

function arrayProblem(
  schema: SchemaNode,
  value: readonly unknown[],
  path: string,
): SchemaProblem | undefined {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items = {} } = schema
  if (value.length < minItems || value.length > maxItems) return invalid(path, schema)
  for (const [index, item] of value.entries()) {
    const problem = problemAt(items, item, `${path}[${index}]`)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Names of fields that a client invents are repeated to it, but not without an end. */
const KEY_CHARS_MAX = 64

function pathOf(path: string, key: string): string {
  const short = key.length > KEY_CHARS_MAX ? `${key.slice(0, KEY_CHARS_MAX)}…` : key
  if (!/^[\w$][\w$-]*…?$/.test(short)) return `${path}[${JSON.stringify(short)}]`
  return path === '' ? short : `${path}.${short}`
}

function missing(path: string): SchemaProblem {
  return { path, code: 'missing_parameter', message: `Missing required parameter: '${path}'.` }
}

function unknownParameter(path: string): SchemaProblem {
  return { path, code: 'unknown_parameter', message: `Unknown parameter: '${path}'.` }
}

function unsupported(path: string, why: string): SchemaProblem {
  const message = `Unsupported parameter: '${path}': ${why}.`
  return { path, code: 'unsupported_parameter', message }
}

function invalid(path: string, schema: SchemaNode): SchemaProblem {
  const what = path === '' ? 'Invalid request body' : `Invalid value for '${path}'`
  return { path, code: 'invalid_value', message: `${what}: expected ${expectedBy(schema)}.` }
}

/** Says what a schema accepts, as the end of a sentence. */
function expectedBy(schema: SchemaNode): string {
  const { type, const: only, enum: values, anyOf } = schema
  if (only !== undefined) return JSON.stringify(only)
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' or ')
  if (anyOf !== undefined) {
    const branches = anyOf.filter((branch) => branch.type !== 'null').map(expectedBy)
    return [...new Set(branches)].join(' or ')
  }
  switch (type) {
    case 'string':
      return `a string${sizeBy(schema.minLength, schema.maxLength, 'character')}`
    case 'array':
      return `an array${sizeBy(schema.minItems, schema.maxItems, 'item')}`
    case 'number':
      return `a number${rangeBy(schema)}`
    case 'integer':
      return `an integer${rangeBy(schema)}`
    case 'boolean':
      return 'true or false'
    case 'object':
      return 'an object'
    default:
      return 'another value'
  }
}

/** ` of 1 to 8 items`, ` of up to 8 items`, ` of 1 item`, ` of at least 1 item`, or nothing. */
function sizeBy(min = 0, max: number | undefined, thing: string): string {
  if (max === undefined) return min === 0 ? '' : ` of at least ${counted(min, thing)}`
  if (min === max) return ` of ${counted(max, thing)}`
  return ` of ${min === 0 ? 'up' : min} to ${counted(max, thing)}`
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

function rangeBy({ minimum, maximum }: SchemaNode): string {
  if (minimum === undefined) return maximum === undefined ? '' : ` up to ${maximum}`
  return ` from ${minimum}${maximum === undefined ? '' : ` to ${maximum}`}`
}

/** A path that `noted` marks, written out, and its steps; '' as a step is any index. */
type NotedPath = readonly [path: string, ...steps: string[]]

function notedPathsOf(root: SchemaNode): readonly NotedPath[] {
  const found = new Map<string, NotedPath>()
  const visit = (schema: SchemaNode, [path, ...steps]: NotedPath): void => {
    if (schema['x-noted'] === true) found.set(path, [path, ...steps])
    for (const branch of schema.anyOf ?? []) visit(branch, [path, ...steps])
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      visit(inner, [pathOf(path, key), ...steps, key])
    }
    if (schema.items !== undefined) visit(schema.items, [`${path}[]`, ...steps, ''])
  }
  visit(root, [''])
  return [...found.values()]
}

function saysSomething(value: unknown, [, ...steps]: NotedPath): boolean {
  const [step, ...rest] = steps
  if (step === undefined) return !isNothing(value)
  if (step === '')
    return Array.isArray(value) && value.some((it) => saysSomething(it, ['', ...rest]))
  return isObject(value) && Object.hasOwn(value, step) && saysSomething(value[step], ['', ...rest])
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return isObject(value) && Object.keys(value).length === 0
}
