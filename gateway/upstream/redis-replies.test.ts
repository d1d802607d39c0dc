import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listIn, type RedisReply, refusalIn, valueIn } from './redis-replies.ts'

const LIST: RedisReply = { kind: 'value', value: ['a', null] }
const TEXT: RedisReply = { kind: 'value', value: 'a' }
const REFUSAL: RedisReply = { kind: 'refusal', message: 'WRONGTYPE of the wrong kind' }

test('a list is read from a reply that is one, and from no other', () => {
  assert.deepEqual([LIST, TEXT, REFUSAL, undefined].map(listIn), [['a', null], [], [], []])
})

test('a refusal and a missing reply have no value', () => {
  assert.deepEqual([TEXT, REFUSAL, undefined].map(valueIn), ['a', undefined, undefined])
})

test('the first refusal speaks for all replies', () => {
  const second: RedisReply = { kind: 'refusal', message: 'NOPERM' }

  assert.equal(refusalIn([TEXT, REFUSAL, second]), 'WRONGTYPE of the wrong kind')
  assert.equal(refusalIn([TEXT, LIST]), undefined)
  assert.equal(refusalIn([]), undefined)
})
