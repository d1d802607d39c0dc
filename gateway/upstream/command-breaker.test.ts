import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterAnswer,
  afterQuestion,
  afterSilence,
  type CommandBreaker,
  mayAsk,
  NEW_BREAKER,
} from './command-breaker.ts'

const LIMITS = { unansweredMax: 3, restMs: 1_000, restMsMax: 30_000 }

function silence(breaker: CommandBreaker, nowMs: number): CommandBreaker {
  return afterSilence(afterQuestion(breaker), nowMs, LIMITS)
}

function silences(count: number, nowMs: number): CommandBreaker {
  let breaker = NEW_BREAKER
  for (let at = 0; at < count; at++) breaker = silence(breaker, nowMs)
  return breaker
}

test('two silences in a row change nothing, the third begins a rest of a second', () => {
  assert.equal(mayAsk(silences(2, 5_000), 5_000), true)
  assert.deepEqual(silences(3, 5_000), { kind: 'resting', untilMs: 6_000, restMs: 1_000 })
})

test('an answer between silences starts their count anew', () => {
  const answered = afterAnswer()

  assert.equal(silence(silence(answered, 0), 0).kind, 'asking')
})

test('nobody asks during a rest, and one alone asks after it', () => {
  const resting = silences(3, 5_000)

  assert.equal(mayAsk(resting, 5_999), false)
  assert.equal(mayAsk(resting, 6_000), true)
  assert.equal(mayAsk(afterQuestion(resting), 6_000), false)
})

test('rests double as long as nothing answers, up to half a minute', () => {
  const lengths: number[] = []
  let breaker = silences(3, 0)
  for (let at = 0; at < 7; at++) {
    assert.equal(breaker.kind, 'resting')
    if (breaker.kind !== 'resting') return
    lengths.push(breaker.restMs)
    breaker = silence(breaker, breaker.untilMs)
  }

  assert.deepEqual(lengths, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

test('an answer ends the rests, and the next begins with a second again', () => {
  const tried = afterQuestion(silence(silences(3, 0), 1_000))
  assert.equal(tried.kind, 'trying')

  const answered = afterAnswer()

  assert.equal(mayAsk(answered, 1_000), true)
  assert.deepEqual(silence(silence(silence(answered, 0), 0), 0), silences(3, 0))
})

test('a question from before a rest that stays without an answer does not prolong it', () => {
  const resting = silences(3, 5_000)

  assert.equal(afterSilence(resting, 5_090, LIMITS), resting)
})
