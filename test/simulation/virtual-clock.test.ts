import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'

test('things happen in the order of their times, whatever the order of planning', () => {
  const clock = new VirtualClock()
  const random = new Random(1)
  const planned = Array.from({ length: 500 }, () => random.below(100))
  const seen: number[] = []
  for (const ms of planned) clock.at(ms, () => seen.push(ms))

  clock.runUntil()

  assert.deepEqual(
    seen,
    planned.toSorted((a, b) => a - b),
  )
})

test('things of one moment happen in the order in which they were planned', () => {
  const clock = new VirtualClock()
  const seen: number[] = []
  for (let number = 0; number < 50; number += 1) clock.at(7, () => seen.push(number))

  clock.runUntil()

  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, number) => number),
  )
})

test('what a thing plans for a moment that is over happens next, and now', () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  clock.at(10, () => clock.at(3, () => seen.push(`late at ${clock.nowMs}`)))
  clock.at(11, () => seen.push(`after at ${clock.nowMs}`))

  clock.runUntil()

  assert.deepEqual(seen, ['late at 10', 'after at 11'])
})

test('a clock that runs until a moment stands there, and leaves the rest', () => {
  const clock = new VirtualClock()
  let ran = 0
  for (const ms of [5, 10, 15]) clock.at(ms, () => ran++)

  clock.runUntil(12)

  assert.equal(ran, 2)
  assert.equal(clock.nowMs, 12)
  assert.equal(clock.step(14), false)
  assert.equal(clock.step(), true)
})
