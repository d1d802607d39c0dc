import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PublishTimes } from './publish-times.ts'

test('without an answer there is no percentile', () => {
  assert.equal(new PublishTimes().p95(0), null)
})

test('95 of 100 answers were as quick as the percentile or quicker', () => {
  const times = new PublishTimes()
  for (let took = 100; took >= 1; took -= 1) times.record(took, 0)

  assert.equal(times.p95(0), 95)
})

test('answers of more than 30 s ago do not count', () => {
  const times = new PublishTimes()
  times.record(900, 0)
  times.record(3, 20_000)

  assert.equal(times.p95(30_000), 900)
  assert.equal(times.p95(30_001), 3)
  assert.equal(times.p95(60_000), null)
})

test('under load the last 1,024 answers count', () => {
  const times = new PublishTimes()
  for (let at = 0; at < 1_024; at += 1) times.record(900, 0)
  for (let at = 0; at < 1_024; at += 1) times.record(2, 0)

  assert.equal(times.p95(0), 2)
})
