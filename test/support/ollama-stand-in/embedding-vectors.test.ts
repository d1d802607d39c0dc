import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directionOf, EMBEDDING_LENGTH, shorten } from './embedding-vectors.ts'

const lengthOf = (vector: readonly number[]) => Math.hypot(...vector)

test('a text always has the same direction of length one, and another text has another', () => {
  const vector = directionOf('hello')
  assert.equal(vector.length, EMBEDDING_LENGTH)
  assert.ok(Math.abs(lengthOf(vector) - 1) < 1e-9)
  assert.deepEqual(directionOf('hello'), vector)
  assert.notDeepEqual(directionOf('hellp'), vector)
  assert.ok(directionOf('').every(Number.isFinite))
})

test('a shortened vector keeps its first dimensions and has length one again', () => {
  const vector = directionOf('hello')
  const short = shorten(vector, 4)
  assert.equal(short.length, 4)
  assert.ok(Math.abs(lengthOf(short) - 1) < 1e-9)
  const ratio = (short[0] ?? 0) / (vector[0] ?? 1)
  assert.ok(Math.abs((short[3] ?? 0) / (vector[3] ?? 1) - ratio) < 1e-9)
  assert.equal(shorten(vector, 0), vector)
  assert.equal(shorten(vector, 10_000), vector)
})
