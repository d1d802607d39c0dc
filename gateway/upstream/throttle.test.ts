import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Throttle } from './throttle.ts'

const OPTIONS = { throttleFactor: 2, throttleWindowMs: 120_000 }

function throttleAfter(requests: number, refusals: number): Throttle {
  const throttle = new Throttle(OPTIONS)
  for (let at = 0; at < requests; at++) throttle.onRequest(1_000)
  for (let at = 0; at < refusals; at++) throttle.onRefusal(1_000)
  return throttle
}

// (requests − 2 × accepts) / (requests + 1), accepts being what was not refused.
const PROBABILITIES: readonly [requests: number, refusals: number, probability: number][] = [
  [0, 0, 0],
  [1, 0, 0],
  [500, 0, 0], // All in flight and none refused: a burst throttles nobody.
  [100, 50, 0], // Asked twice as often as it accepts: just as often as it may be.
  [100, 60, 20 / 101],
  [100, 100, 100 / 101],
  [1, 1, 0.5],
]

for (const [requests, refusals, probability] of PROBABILITIES) {
  test(`${refusals} refusals of ${requests} give a chance of ${probability.toFixed(2)}`, () => {
    assert.equal(throttleAfter(requests, refusals).skipProbability(1_000), probability)
  })
}

test('refusals are forgotten with their window', () => {
  const throttle = throttleAfter(100, 100)

  assert.ok(throttle.skipProbability(120_000) > 0.9)
  assert.equal(throttle.skipProbability(140_000), 0)
})

test('a refusal that outlives its request in the window is no negative accept', () => {
  const throttle = new Throttle(OPTIONS)
  throttle.onRequest(0)
  throttle.onRefusal(100_000)

  assert.equal(throttle.skipProbability(200_000), 0)
  throttle.onRequest(200_000)
  assert.equal(throttle.skipProbability(200_000), 0.5)
})
