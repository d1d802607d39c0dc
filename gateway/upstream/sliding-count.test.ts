import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SlidingCount } from './sliding-count.ts'

const WINDOW_MS = 10_000

test('what happened within the window is counted', () => {
  const count = new SlidingCount(WINDOW_MS)
  count.add(1_000)
  count.add(1_000)
  count.add(7_500)

  assert.equal(count.atMost(8_000), 3)
  assert.equal(count.atLeast(8_000), 3)
})

test('the part in which the window begins counts for the one and not for the other', () => {
  const count = new SlidingCount(WINDOW_MS)
  count.add(1_400)
  count.add(5_000)

  // The window begins at 1,600, and the part from 1,000 to 2,000 is told apart no finer.
  assert.equal(count.atMost(11_600), 2)
  assert.equal(count.atLeast(11_600), 1)
  assert.equal(count.atMost(12_000), 1)
})

test('after a long silence nothing is left', () => {
  const count = new SlidingCount(WINDOW_MS)
  for (let at = 0; at < 50; at++) count.add(at * 100)

  assert.equal(count.atMost(1e9), 0)
  assert.equal(count.atLeast(1e9), 0)
})

test('a time that goes back counts as the newest', () => {
  const count = new SlidingCount(WINDOW_MS)
  count.add(50_000)
  count.add(20_000)

  assert.equal(count.atMost(50_000), 2)
})

test('the true count lies between the two, whatever happens when', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: -50_000, max: 50_000 }), (pausesMs, startMs) => {
      const count = new SlidingCount(WINDOW_MS)
      const times: number[] = []
      let nowMs = startMs
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs
        count.add(nowMs)
        times.push(nowMs)
        const within = times.filter((ms) => ms > nowMs - WINDOW_MS).length
        const withinPartMore = times.filter((ms) => ms > nowMs - WINDOW_MS - WINDOW_MS / 10).length

        assert.ok(count.atLeast(nowMs) <= within)
        assert.ok(count.atMost(nowMs) >= within)
        assert.ok(count.atMost(nowMs) <= withinPartMore + 1)
      }
    }),
  )
})
