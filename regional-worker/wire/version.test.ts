import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commonWireVersion, decodeWireRange, encodeWireRange, WIRE } from './version.ts'

test('two builds talk in the highest version that both know', () => {
  assert.equal(commonWireVersion({ min: 1, max: 3 }, { min: 2, max: 5 }), 3)
  assert.equal(commonWireVersion({ min: 2, max: 2 }, { min: 1, max: 9 }), 2)
})

test('two builds whose ranges do not meet do not talk', () => {
  assert.equal(commonWireVersion({ min: 1, max: 1 }, { min: 2, max: 3 }), undefined)
  assert.equal(commonWireVersion({ min: 4, max: 5 }, { min: 2, max: 3 }), undefined)
})

test('a range is read as it was written', () => {
  assert.deepEqual(decodeWireRange(encodeWireRange(WIRE)), WIRE)
  assert.deepEqual(decodeWireRange('2-17'), { min: 2, max: 17 })
})

test('what is no range is not guessed at', () => {
  for (const text of [undefined, '', '1', '0-1', '3-2', '1-2-3', ' 1-2', '1-99999', 'a-b']) {
    assert.equal(decodeWireRange(text), undefined, String(text))
  }
})
