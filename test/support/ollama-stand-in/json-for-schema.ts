// pure
/** Schemas that refer to themselves end in `null` below this many levels. */
const DEPTH_MAX = 32

/**
 * Makes a small value that satisfies a JSON Schema: required properties only, the first of several
 * choices, the shortest string and the lowest number.
 *
 * Knows `const`, `enum`, `default`, `type`, `properties`, `required`, `items`, `prefixItems`,
 * `minItems`, `minLength`, `minimum`, `exclusiveMinimum`, `anyOf`, `oneOf`, `allOf` and local
 * `$ref`; patterns and formats are not honoured. Anything that is no schema gives `{}`.
 */
export function valueForSchema(schema: unknown): unknown {
  return valueFor(schema, schema, 0)
}

function valueFor(schema: unknown, root: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) return null
  if (!isObject(schema)) return {}
  const sub = (part: unknown): unknown => valueFor(part, root, depth + 1)
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0]
  if ('default' in schema) return schema.default
  if (typeof schema.$ref === 'string') return sub(referred(schema.$ref, root))
  const [choice] = firstList(schema.anyOf, schema.oneOf)
  if (choice !== undefined) return sub(choice)
  if (Array.isArray(schema.allOf)) return sub(merged(schema, schema.allOf.filter(isObject)))
  return valueOfType(schema, sub)
}

function valueOfType(
  schema: Readonly<Record<string, unknown>>,
  sub: (part: unknown) => unknown,
): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'string':
      return 'w'.repeat(Math.max(1, numberOr(schema.minLength, 1)))
    case 'number':
    case 'integer':
      return numberOr(schema.minimum, numberOr(schema.exclusiveMinimum, 0) + 1)
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array': {
      const first = Array.isArray(schema.prefixItems) ? schema.prefixItems : []
      const length = Math.min(1_000, Math.max(first.length, numberOr(schema.minItems, 0)))
      return Array.from({ length }, (_, at) => sub(first[at] ?? schema.items))
    }
    default: {
      const properties = isObject(schema.properties) ? schema.properties : {}
      const required = Array.isArray(schema.required) ? schema.required : []
      return Object.fromEntries(required.map((key) => [String(key), sub(properties[String(key)])]))
    }
  }
}

function referred(pointer: string, root: unknown): unknown {
  const names = pointer.replace(/^#\/?/, '').split('/')
  return names.reduce<unknown>((at, name) => {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    return isObject(at) ? (key === '' ? at : at[key]) : undefined
  }, root)
}

function merged(
  schema: Readonly<Record<string, unknown>>,
  parts: readonly Readonly<Record<string, unknown>>[],
): Readonly<Record<string, unknown>> {
  const all = [{ ...schema, allOf: undefined }, ...parts]
  const properties = all.map((part) => (isObject(part.properties) ? part.properties : {}))
  const required = all.flatMap((part) => (Array.isArray(part.required) ? part.required : []))
  return { ...Object.assign({}, ...all), properties: Object.assign({}, ...properties), required }
}

function firstList(...lists: readonly unknown[]): readonly unknown[] {
  return lists.find((list) => Array.isArray(list)) ?? []
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
