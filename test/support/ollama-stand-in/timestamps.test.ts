import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nanosOf, timestampAt } from './timestamps.ts'

test('a timestamp is the wall clock’s time with more decimals', () => {
  const atMs = performance.now()
  const text = timestampAt(atMs)
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)
  assert.ok(Math.abs(Date.parse(text) - (performance.timeOrigin + atMs)) <= 1)
})

test('timestamps of microseconds apart differ and keep their order', () => {
  const texts = [0, 0.001, 0.002, 1_000].map(timestampAt)
  const nanos = texts.map((text) => (/\.(\d+)Z/.exec(text)?.[1] ?? '').padEnd(9, '0'))
  assert.equal(new Set(texts).size, 4)
  assert.equal((Number(nanos[1]) - Number(nanos[0]) + 1e9) % 1e9, 1_000)
  assert.equal(nanos[0], nanos[3], 'a second later the fraction is the same')
})

test('a timestamp may lie centuries ahead', () => {
  assert.match(timestampAt(292 * 365 * 24 * 3_600_000), /^23\d\d-/)
})

test('durations are whole nanoseconds and never zero', () => {
  assert.deepEqual([0, 0.000_000_1, 1.5].map(nanosOf), [1, 1, 1_500_000])
})
