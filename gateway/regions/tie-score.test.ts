import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  expectedWaitMs,
  type PublishedTieScore,
  publishTieScore,
  rawTieScore,
} from './tie-score.ts'

test('a tie score is round trip plus wait, and has no limit without a round trip', () => {
  assert.equal(rawTieScore({ rttEwmaMs: 12, waitMs: 30 }), 42)
  assert.equal(rawTieScore({ rttEwmaMs: 12 }), 12)
  assert.equal(rawTieScore({ waitMs: 30 }), Number.POSITIVE_INFINITY)
})

const WAITS: readonly [estimated: number, slots: number, waitMs: number][] = [
  [0, 4, 0],
  [3, 4, 0],
  [4, 4, 500],
  [7, 4, 2_000],
  [0, 0, Number.POSITIVE_INFINITY],
]

for (const [estimated, slots, waitMs] of WAITS) {
  test(`new work behind ${estimated} on ${slots} slots of 2 s waits ${waitMs} ms`, () => {
    assert.equal(expectedWaitMs({ estimated, slots, serviceMeanMs: 2_000 }), waitMs)
  })
}

function published(tieScore: number): PublishedTieScore {
  return { tieScore, publishedMs: 0 }
}

test('the first score is published at once', () => {
  assert.deepEqual(publishTieScore(undefined, 40, 7), { tieScore: 40, publishedMs: 7 })
})

const CHANGES: readonly [from: number, to: number, changes: boolean][] = [
  [20, 30, false], // 10 ms, the limit of small scores.
  [20, 30.1, true],
  [20, 9.9, true],
  [200, 240, false], // 20 %, the limit of large ones.
  [200, 240.1, true],
  [200, 159.9, true],
  [20, Number.POSITIVE_INFINITY, true],
  [Number.POSITIVE_INFINITY, 20, true],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, false],
]

for (const [from, to, changes] of CHANGES) {
  test(`a score of ${from} ${changes ? 'becomes' : 'does not become'} ${to} after a minute`, () => {
    const before = published(from)
    const after = publishTieScore(before, to, 60_000)

    if (changes) assert.deepEqual(after, { tieScore: to, publishedMs: 60_000 })
    else assert.equal(after, before)
  })
}

test('a score that changed stays for a minute, however far the raw one goes', () => {
  const before = published(20)

  assert.equal(publishTieScore(before, 5_000, 59_999), before)
  assert.deepEqual(publishTieScore(before, 5_000, 60_000).tieScore, 5_000)
  assert.deepEqual(publishTieScore(before, 5_000, 1_000, 1_000).tieScore, 5_000)
})

test('however a score jitters, it is published once a minute at most', () => {
  const samples = fc.array(
    fc.record({ raw: fc.double({ min: 0, max: 1_000, noNaN: true }), stepMs: fc.nat(30_000) }),
    { maxLength: 100 },
  )
  fc.assert(
    fc.property(samples, (steps) => {
      let nowMs = 0
      let last: PublishedTieScore | undefined
      for (const { raw, stepMs } of steps) {
        nowMs += stepMs
        const next = publishTieScore(last, raw, nowMs)
        if (last !== undefined && next !== last) {
          assert.ok(next.publishedMs - last.publishedMs >= 60_000)
          assert.ok(Math.abs(next.tieScore - last.tieScore) > 10)
        }
        last = next
      }
    }),
  )
})
