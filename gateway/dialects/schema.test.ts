import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import {
  anyObject,
  compileSchema,
  noted,
  optional,
  refused,
  refusedUnlessEmpty,
  Type,
  variants,
} from './schema.ts'

const ORDER = compileSchema(
  Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 4 }),
      size: optional(Type.Integer({ minimum: 1, maximum: 8 })),
      share: optional(Type.Number({ maximum: 1 })),
      colour: optional(Type.Enum(['red', 'blue'])),
      stop: optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 2 })])),
      extra: optional(anyObject()),
      fast: optional(Type.Boolean()),
      hint: noted(Type.Unknown()),
      bias: refusedUnlessEmpty('there is no such option'),
      audio: optional(refused('only text is answered')),
      parts: Type.Array(
        variants(
          'type',
          [
            Type.Object(
              { type: Type.Literal('text'), text: Type.String(), note: noted(Type.String()) },
              { additionalProperties: false },
            ),
            Type.Object({ type: Type.Literal('sound'), sound: refused('sounds are not heard') }),
          ],
          { smell: 'smells are not smelled' },
        ),
        { minItems: 1 },
      ),
    },
    { additionalProperties: false, title: 'Order' },
  ),
)

const FINE = { name: 'a', parts: [{ type: 'text', text: '' }] }

for (const [what, change, path, code, message] of [
  ['no object', null, '', 'invalid_value', 'Invalid request body: expected an object.'],
  ['a list', [], '', 'invalid_value', 'Invalid request body: expected an object.'],
  [
    'a missing field',
    { name: undefined },
    'name',
    'missing_parameter',
    "Missing required parameter: 'name'.",
  ],
  [
    'null for a required field',
    { name: null },
    'name',
    'missing_parameter',
    "Missing required parameter: 'name'.",
  ],
  [
    'another type',
    { name: 1 },
    'name',
    'invalid_value',
    "Invalid value for 'name': expected a string of 1 to 4 characters.",
  ],
  [
    'a text that is too long',
    { name: 'abcde' },
    'name',
    'invalid_value',
    "Invalid value for 'name': expected a string of 1 to 4 characters.",
  ],
  [
    'a number out of range',
    { size: 9 },
    'size',
    'invalid_value',
    "Invalid value for 'size': expected an integer from 1 to 8.",
  ],
  [
    'a broken integer',
    { size: 1.5 },
    'size',
    'invalid_value',
    "Invalid value for 'size': expected an integer from 1 to 8.",
  ],
  [
    'a number above its limit',
    { share: 2 },
    'share',
    'invalid_value',
    "Invalid value for 'share': expected a number up to 1.",
  ],
  [
    'an unlisted word',
    { colour: 'pink' },
    'colour',
    'invalid_value',
    `Invalid value for 'colour': expected "red" or "blue".`,
  ],
  [
    'a list that is too long',
    { stop: ['', '', ''] },
    'stop',
    'invalid_value',
    "Invalid value for 'stop': expected an array of up to 2 items.",
  ],
  [
    'a wrong item',
    { stop: ['', 1] },
    'stop[1]',
    'invalid_value',
    "Invalid value for 'stop[1]': expected a string.",
  ],
  [
    'no branch of a union',
    { stop: 1 },
    'stop',
    'invalid_value',
    "Invalid value for 'stop': expected a string or an array of up to 2 items.",
  ],
  [
    'no object where any is fine',
    { extra: [] },
    'extra',
    'invalid_value',
    "Invalid value for 'extra': expected an object.",
  ],
  [
    'a word for a truth',
    { fast: 'true' },
    'fast',
    'invalid_value',
    "Invalid value for 'fast': expected true or false.",
  ],
  [
    'a refused field',
    { audio: {} },
    'audio',
    'unsupported_parameter',
    "Unsupported parameter: 'audio': only text is answered.",
  ],
  [
    'a refused field that says something',
    { bias: { a: 1 } },
    'bias',
    'unsupported_parameter',
    "Unsupported parameter: 'bias': there is no such option.",
  ],
  ['an unknown field', { zoo: 1 }, 'zoo', 'unknown_parameter', "Unknown parameter: 'zoo'."],
  [
    'an unknown field with an odd name',
    { 'a b': 1 },
    '["a b"]',
    'unknown_parameter',
    `Unknown parameter: '["a b"]'.`,
  ],
  [
    'an empty list',
    { parts: [] },
    'parts',
    'invalid_value',
    "Invalid value for 'parts': expected an array of at least 1 item.",
  ],
  [
    'a part that is no object',
    { parts: [1] },
    'parts[0]',
    'invalid_value',
    "Invalid value for 'parts[0]': expected an object.",
  ],
  [
    'a part without a kind',
    { parts: [{ text: '' }] },
    'parts[0].type',
    'missing_parameter',
    "Missing required parameter: 'parts[0].type'.",
  ],
  [
    'a part of unknown kind',
    { parts: [{ type: 'x' }] },
    'parts[0].type',
    'invalid_value',
    `Invalid value for 'parts[0].type': expected "text".`,
  ],
  [
    'a part of a refused kind',
    { parts: [{ type: 'smell' }] },
    'parts[0].type',
    'unsupported_parameter',
    "Unsupported parameter: 'parts[0].type': smells are not smelled.",
  ],
  [
    'a refused part',
    { parts: [FINE.parts[0], { type: 'sound', sound: {} }] },
    'parts[1].sound',
    'unsupported_parameter',
    "Unsupported parameter: 'parts[1].sound': sounds are not heard.",
  ],
  [
    'an unknown field in a part',
    { parts: [{ type: 'text', text: '', x: 1 }] },
    'parts[0].x',
    'unknown_parameter',
    "Unknown parameter: 'parts[0].x'.",
  ],
] as const) {
  test(`${what} is named by path, code and one sentence`, () => {
    const body = change === null || Array.isArray(change) ? change : { ...FINE, ...change }

    assert.deepEqual(ORDER.problemOf(JSON.parse(JSON.stringify(body))), { path, code, message })
  })
}

test('null is absent in optional fields, and empty is nothing where all else is refused', () => {
  for (const key of ['size', 'colour', 'stop', 'extra', 'hint', 'bias', 'audio']) {
    assert.equal(ORDER.problemOf({ ...FINE, [key]: null }), undefined, key)
  }
  assert.equal(ORDER.problemOf({ ...FINE, bias: {} }), undefined)
  assert.equal(ORDER.problemOf({ ...FINE, bias: [] }), undefined)
})

test('a field whose name is very long is repeated in part', () => {
  const problem = ORDER.problemOf({ ...FINE, ['x'.repeat(10_000)]: 1 })

  assert.equal(problem?.path, `${'x'.repeat(64)}…`)
})

test('parsing hands the same value back, or throws the problem with its path', () => {
  assert.equal(ORDER.parse(FINE), FINE)
  assert.throws(
    () => ORDER.parse({ ...FINE, size: 0 }),
    (error) =>
      error instanceof GatewayError && error.code === 'invalid_value' && error.param === 'size',
  )
  assert.throws(
    () => ORDER.parse('text'),
    (error) => error instanceof GatewayError && error.param === undefined,
  )
})

test('noted fields are named once, for any index, when they say something', () => {
  const part = (note: unknown) => ({ type: 'text', text: '', note })

  assert.deepEqual(ORDER.notedIn({ ...FINE, hint: true, parts: [part('a'), part('b')] }), [
    'hint',
    'parts[].note',
  ])
  for (const nothing of [null, false, '', [], {}]) {
    assert.deepEqual(ORDER.notedIn({ ...FINE, hint: nothing, parts: [part(null)] }), [])
  }
})

test('whatever the compiled check refuses, the walk can explain', () => {
  const known = fc.constantFrom('name', 'size', 'stop', 'bias', 'audio', 'parts', 'hint', 'zoo')
  const part = fc.record(
    {
      type: fc.constantFrom('text', 'sound', 'smell', 1),
      text: fc.constantFrom('', 1, null),
      sound: fc.constantFrom(null, {}),
    },
    { requiredKeys: [] },
  )
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.array(part),
    fc.constantFrom({}, [], null),
  )
  const body = fc.dictionary(known, value, { maxKeys: 3 }).map((change) => ({ ...FINE, ...change }))

  fc.assert(
    fc.property(fc.oneof(body, fc.jsonValue()), (candidate) => {
      const problem = ORDER.problemOf(candidate)
      if (problem === undefined) return
      // The fallback message of the whole body would mean that the walk had found nothing.
      const isObject =
        typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)
      assert.equal(problem.path === '', !isObject)
    }),
    { numRuns: 2_000 },
  )
})

test('a schema that uses what the walk cannot explain does not compile', () => {
  const withKeyword = Type.Object({ a: Type.String({ format: 'email' }) })
  const withSchema = Type.Object({}, { additionalProperties: Type.String() })

  assert.throws(() => compileSchema(withKeyword), /"format" is not explained/)
  assert.throws(() => compileSchema(withSchema), /additional properties is not explained/)
})
