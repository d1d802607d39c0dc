import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonFields } from './json-fields.ts'

const ANY_TEXT = { want: 'a text', matches: () => true }

function reading(value: unknown, known: readonly string[] | 'any' = 'any') {
  const problems: string[] = []
  return { fields: new JsonFields(value, { path: 'a', problems, known }), problems }
}

test('a problem names the path of its field', () => {
  const { fields, problems } = reading({ b: { c: [{ d: 'x' }] } })

  fields.object('b', ['c']).objects('c', ['d'], { min: 1, max: 1 })[0]?.number('d', {
    min: 0,
    max: 1,
  })

  assert.deepEqual(problems, ['a.b.c[0].d: want a number from 0 to 1, not "x"'])
})

test('a missing field is a problem once and has a stand-in', () => {
  const { fields, problems } = reading({})

  assert.equal(fields.number('n', { min: 3, max: 9 }), 3)
  assert.equal(fields.text('t', ANY_TEXT), '')
  assert.deepEqual(fields.texts('l', ANY_TEXT, { min: 0, max: 9 }), [])

  assert.deepEqual(problems, [
    'a.n: is missing, want a number from 3 to 9',
    'a.t: is missing, want a text',
    'a.l: is missing, want a list',
  ])
})

test('a missing field with a fallback is no problem', () => {
  const { fields, problems } = reading({})

  assert.equal(fields.number('n', { min: 3, max: 9 }, 5), 5)
  assert.equal(fields.text('t', ANY_TEXT, 'x'), 'x')
  assert.equal(fields.choice('c', ['on', 'off'], 'off'), 'off')
  assert.deepEqual(fields.texts('l', ANY_TEXT, { min: 1, max: 9 }, ['x']), ['x'])

  assert.deepEqual(problems, [])
})

test('what is no object is one problem, not one for each field that it lacks', () => {
  const { fields, problems } = reading([1])

  fields.number('n', { min: 3, max: 9 })

  assert.deepEqual(problems, ['a: want an object, not [1]'])
})

test('a field that nobody reads is a problem, unless any name will do', () => {
  assert.deepEqual(reading({ x: 1 }, ['y']).problems, ['a.x: is no field'])
  assert.deepEqual(reading({ x: 1 }).problems, [])
  assert.deepEqual(reading({ x: 1 }).fields.names(), ['x'])
})

test('a list is cut at its most entries and says so', () => {
  const { fields, problems } = reading({ l: ['x', 'y', 'z'] })

  assert.deepEqual(fields.texts('l', ANY_TEXT, { min: 0, max: 2 }), ['x', 'y'])

  assert.deepEqual(problems, ['a.l: has 3 entries, want 0 to 2'])
})

test('a value is shown in a problem, but no novel', () => {
  const { fields, problems } = reading({ n: 'x'.repeat(10_000) })

  fields.number('n', { min: 0, max: 1 })

  assert.ok((problems[0]?.length ?? 0) < 200)
})
