import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valueForSchema } from './json-for-schema.ts'

const ROWS: readonly (readonly [schema: unknown, value: unknown])[] = [
  [{ type: 'string' }, 'w'],
  [{ type: 'string', minLength: 3 }, 'www'],
  [{ type: 'integer' }, 1],
  [{ type: 'number', minimum: 5 }, 5],
  [{ type: 'integer', exclusiveMinimum: 5 }, 6],
  [{ type: 'boolean' }, true],
  [{ type: 'null' }, null],
  [{ type: ['null', 'string'] }, null],
  [{ const: 'x' }, 'x'],
  [{ enum: ['a', 'b'] }, 'a'],
  [{ type: 'integer', default: 9 }, 9],
  [{ type: 'array', items: { type: 'string' } }, []],
  [{ type: 'array', items: { type: 'string' }, minItems: 2 }, ['w', 'w']],
  [{ type: 'array', prefixItems: [{ const: 1 }], minItems: 2, items: { const: 2 } }, [1, 2]],
  [{ type: 'object' }, {}],
  [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, 1],
  [{ oneOf: [{ const: 'x' }] }, 'x'],
  [undefined, {}],
  [true, {}],
]

for (const [schema, value] of ROWS) {
  test(`the schema ${JSON.stringify(schema)} is satisfied by ${JSON.stringify(value)}`, () => {
    assert.deepEqual(valueForSchema(schema), value)
  })
}

test('an object has its required properties and no others', () => {
  const properties = { a: { type: 'integer' }, b: { type: 'string' }, c: { type: 'null' } }
  assert.deepEqual(valueForSchema({ properties, required: ['a', 'c'] }), { a: 1, c: null })
})

test('all parts of allOf are satisfied together', () => {
  const schema = {
    required: ['a'],
    properties: { a: { const: 1 } },
    allOf: [{ type: 'object', required: ['b'], properties: { b: { const: 2 } } }],
  }
  assert.deepEqual(valueForSchema(schema), { a: 1, b: 2 })
})

test('references are followed within the schema', () => {
  const schema = { $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'boolean' } } }
  assert.equal(valueForSchema(schema), true)
})

test('a schema that requires itself for ever ends', () => {
  const schema = { type: 'object', required: ['next'], properties: { next: { $ref: '#' } } }
  assert.match(JSON.stringify(valueForSchema(schema)), /^(\{"next":)+null\}+$/)
})
