import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import { JSON_LIMITS, type JsonLimits, parseJsonBody, parseJsonText } from './json-body.ts'

/** Blanks that make a body as long as those which are scanned before they are parsed. */
const PADDING = Buffer.alloc(1_048_576, ' ')

const read = (text: string, limits: JsonLimits = JSON_LIMITS) =>
  parseJsonBody(Buffer.from(text), limits)
const readLong = (text: string, limits: JsonLimits = JSON_LIMITS) =>
  parseJsonBody(Buffer.concat([Buffer.from(text), PADDING]), limits)

const invalidJson = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof GatewayError)
  assert.equal(error.code, 'invalid_json')
  assert.equal(error.status, 400)
  assert.match(error.message, message)
  return true
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

test('a body is the value that JSON.parse makes of it, short or long', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value)
      fc.pre(!text.includes('__proto__') && !text.includes('constructor'))

      assert.deepEqual(read(text), JSON.parse(text))
      assert.deepEqual(readLong(text), JSON.parse(text))
    }),
    { numRuns: 200 },
  )
})

test('quotes, backslashes and brackets inside strings are no structure', () => {
  const value = { '[{"': `\\"${'[{'.repeat(100)}`, a: ['\\', '"', '\\"', '\\\\"[', ''] }

  assert.deepEqual(readLong(JSON.stringify(value)), value)
})

for (const [name, text, message] of [
  ['half an object', '{"a":', /is not valid JSON/],
  ['a string without end', '"abc', /is not valid JSON/],
  ['a string that ends in a backslash', '["a\\', /is not valid JSON/],
  ['no JSON at all', 'model=x', /is not valid JSON/],
  ['65 levels', nested(65), /deeper than 64 levels/],
  ['200,000 brackets', nested(200_000), /deeper than 64 levels/],
  ['objects 65 levels deep', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, /deeper than 64 levels/],
  ['too many values', `[${'0,'.repeat(400_001)}0]`, /more than 200000 values/],
  ['too many empty lists', `[${'[],'.repeat(400_001)}0]`, /more than 200000 values/],
  ['the key __proto__', '{"a":[{"__proto__":{"x":1}}]}', /the key "__proto__"/],
  ['the key __proto__ in disguise', '{"\\u005f_proto__":1}', /the key "__proto__"/],
  ['constructor.prototype', '{"constructor":{"prototype":{}}}', /"constructor.prototype"/],
  ['a number beyond double precision', '{"seed":1e999}', /a number that is too large/],
] as const) {
  test(`a body with ${name} is invalid JSON`, () => {
    assert.throws(() => read(text), invalidJson(message))
    assert.throws(() => readLong(text), invalidJson(message))
  })
}

test('64 levels, a key constructor and words like __proto__ in texts are harmless', () => {
  const value = { constructor: { name: 'x' }, text: '__proto__ constructor.prototype' }

  assert.deepEqual(read(JSON.stringify(value)), value)
  assert.deepEqual(read(nested(64)), JSON.parse(nested(64)))
  assert.deepEqual(readLong(nested(64)), JSON.parse(nested(64)))
})

test('an empty body is told what its dialect says to it, or that it is no JSON', () => {
  const limits = { ...JSON_LIMITS, emptyMessage: 'missing request body' }

  for (const text of ['', ' ', '\r\n\t']) {
    assert.throws(() => read(text, limits), invalidJson(/^missing request body$/))
    assert.throws(() => read(text), invalidJson(/is not valid JSON/))
  }
})

test('bytes that are not UTF-8 are invalid JSON instead of a text with replaced characters', () => {
  const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])

  assert.throws(() => parseJsonBody(bytes, JSON_LIMITS), invalidJson(/UTF-8/))
})

test('the values that are allowed are counted from the outermost one', () => {
  const limits = { depthMax: 64, nodesMax: 4 }

  assert.deepEqual(read('[1,[2]]', limits), [1, [2]])
  assert.throws(() => read('[1,[2],3]', limits), invalidJson(/more than 4 values/))
})

test('JSON inside a text is read by the same rules', () => {
  assert.deepEqual(parseJsonText('{"city":"Paris"}', JSON_LIMITS), { city: 'Paris' })
  assert.throws(() => parseJsonText(nested(65), JSON_LIMITS), invalidJson(/deeper/))
})
