import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countFailure, restartDelayMs } from './restart-backoff.ts'

test('the delay before a restart doubles from half a second and stays at five', () => {
  const delays = [1, 2, 3, 4, 5, 6, 60].map(restartDelayMs)

  assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000])
})

test('ends in a row are counted, and a run of ten seconds begins a new row', () => {
  assert.equal(countFailure(0, 20), 1)
  assert.equal(countFailure(4, 9_999), 5)
  assert.equal(countFailure(4, 10_000), 1)
})
