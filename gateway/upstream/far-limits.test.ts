import assert from 'node:assert/strict'
import { test } from 'node:test'
import { farLimitMs } from './far-limits.ts'

const LIMITS: readonly [
  situation: string,
  limitMs: number,
  roundTrips: number,
  rttMs: number | undefined,
  effectiveMs: number,
][] = [
  ['a near region has the configured limit', 500, 3, 20, 500],
  ['so has a region of which no round trip is known', 500, 3, undefined, 500],
  ['three round trips of 100 ms just fit into 500 ms', 500, 3, 100, 500],
  ['a region at 300 ms gets time for three of them', 500, 3, 300, 1_100],
  ['and for two, where the connection is there', 500, 2, 300, 800],
  ['no limit grows beyond round trips of 400 ms', 500, 3, 5_000, 1_400],
  ['a longer limit is never shortened', 10_000, 3, 400, 10_000],
]

for (const [situation, limitMs, roundTrips, rttMs, effectiveMs] of LIMITS) {
  test(situation, () => {
    assert.equal(farLimitMs(limitMs, roundTrips, rttMs), effectiveMs)
  })
}
