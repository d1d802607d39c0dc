import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnswerEnd, CHAT_SHAPE, GENERATE_SHAPE, logprobOf } from './answer-shapes.ts'
import { goJson } from './go-json.ts'
import type { Piece } from './plan-answer.ts'

const HEAD = { model: 'x', created_at: 'T' }
const WORD: Piece = { kind: 'content', text: 'w1' }
const THOUGHT: Piece = { kind: 'thinking', text: 't1' }
const CALL: Piece = { kind: 'tool-call', index: 0, name: 'f', arguments: { a: 1 } }
const COUNTERS = { total_duration: 9, load_duration: 1, eval_count: 2 }
const END: AnswerEnd = { done: true, done_reason: 'stop', context: [1, 2], counters: COUNTERS }

test('a token of a chat is a message of the assistant', () => {
  assert.equal(
    goJson(CHAT_SHAPE.delta(HEAD, WORD, undefined)),
    '{"model":"x","created_at":"T","message":{"role":"assistant","content":"w1"},"done":false}',
  )
  assert.equal(
    goJson(CHAT_SHAPE.delta(HEAD, THOUGHT, undefined)),
    '{"model":"x","created_at":"T","message":{"role":"assistant","content":"","thinking":"t1"},' +
      '"done":false}',
  )
})

test('a token of a generation is a response', () => {
  assert.equal(
    goJson(GENERATE_SHAPE.delta(HEAD, THOUGHT, undefined)),
    '{"model":"x","created_at":"T","response":"","thinking":"t1","done":false}',
  )
})

test('a whole answer joins its pieces; only a generation has a context', () => {
  assert.equal(
    goJson(CHAT_SHAPE.last(HEAD, [THOUGHT, THOUGHT, WORD, WORD], END, undefined)),
    '{"model":"x","created_at":"T","message":{"role":"assistant","content":"w1w1",' +
      '"thinking":"t1t1"},"done":true,"done_reason":"stop",' +
      '"total_duration":9,"load_duration":1,"eval_count":2}',
  )
  assert.equal(
    goJson(GENERATE_SHAPE.last(HEAD, [WORD], END, undefined)),
    '{"model":"x","created_at":"T","response":"w1","done":true,"done_reason":"stop",' +
      '"context":[1,2],"total_duration":9,"load_duration":1,"eval_count":2}',
  )
})

test('a tool call has arguments as an object and an id of its own', () => {
  const later = { ...HEAD, created_at: 'T2' }
  const [one, same, other] = [HEAD, HEAD, later].map((head) => {
    return /"id":"(call_[0-9a-z]{8})"/.exec(goJson(CHAT_SHAPE.delta(head, CALL, undefined)))?.[1]
  })
  assert.ok(one !== undefined && one === same && other !== undefined && other !== one)
  assert.match(
    goJson(CHAT_SHAPE.delta(HEAD, CALL, undefined)),
    /"function":\{"index":0,"name":"f","arguments":\{"a":1\}\}/,
  )
})

test('a rendered prompt counts its images if there are any', () => {
  assert.equal(
    goJson(CHAT_SHAPE.rendered(HEAD, 'p', 0)),
    '{"model":"x","created_at":"T","message":{"role":"","content":""},"done":false,' +
      '"_debug_info":{"rendered_template":"p"}}',
  )
  assert.equal(
    goJson(GENERATE_SHAPE.rendered(HEAD, 'p', 2)),
    '{"model":"x","created_at":"T","response":"","done":false,' +
      '"_debug_info":{"rendered_template":"p","image_count":2}}',
  )
})

test('a log-probability has the bytes of its token and as many choices as wanted', () => {
  const { top_logprobs, ...chosen } = logprobOf('ä', 1, 3)
  assert.deepEqual(chosen, { token: 'ä', logprob: -0.1, bytes: [0xc3, 0xa4] })
  assert.deepEqual(top_logprobs?.[0], chosen)
  assert.equal(new Set(top_logprobs?.map(({ token }) => token)).size, 3)
  assert.equal(logprobOf('x', 1, 0).top_logprobs, undefined)
})
