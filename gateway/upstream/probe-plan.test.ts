import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthState } from './health-states.ts'
import {
  isAskedFast,
  isWaking,
  PROBE_DEFAULTS as LIMITS,
  nextPulse,
  type Pulse,
  probeConnection,
  probeIntervalMs,
  probeLimitMs,
} from './probe-plan.ts'

const NOW = 10_000
const STATES: readonly [situation: string, state: HealthState, isFast: boolean][] = [
  ['a healthy region', { kind: 'healthy', sinceMs: NOW }, false],
  ['a suspect region', { kind: 'suspect', sinceMs: 0, cause: 'attempts' }, true],
  ['a region of which nothing is known', { kind: 'suspect', sinceMs: 0, cause: 'unknown' }, true],
  ['a region that is down', { kind: 'down', sinceMs: NOW, cause: 'probes' }, false],
  [
    'an ejected region in its first 3 s',
    { kind: 'ejected', sinceMs: NOW - 2_999, untilMs: 1e9 },
    true,
  ],
  ['an ejected region later', { kind: 'ejected', sinceMs: NOW - 3_000, untilMs: 1e9 }, false],
  [
    'a region that is tried again',
    { kind: 'probing', sinceMs: NOW, trialsLeft: 3, trialsStarted: 0 },
    false,
  ],
  ['a region that drains', { kind: 'draining', sinceMs: NOW }, false],
]

for (const [situation, state, isFast] of STATES) {
  test(`${situation} is asked every ${isFast ? '300 ms' : 'second'}`, () => {
    assert.equal(isAskedFast(state, NOW), isFast)
    assert.equal(probeIntervalMs(state, { nowMs: NOW, chance: 0.5 }, LIMITS), isFast ? 300 : 1_000)
  })
}

test('the interval is spread by a fifth in both directions, the fast one is not', () => {
  const healthy: HealthState = { kind: 'healthy', sinceMs: 0 }
  const suspect: HealthState = { kind: 'suspect', sinceMs: 0, cause: 'probes' }
  const intervalsOf = (state: HealthState) =>
    [0, 0.5, 1].map((chance) => probeIntervalMs(state, { nowMs: NOW, chance }, LIMITS))

  assert.deepEqual(intervalsOf(healthy), [800, 1_000, 1_200])
  assert.deepEqual(intervalsOf(suspect), [300, 300, 300])
})

const LIMITS_BY_RTT: readonly [rttMs: number | undefined, limitMs: number][] = [
  [1, 800],
  [200, 800],
  [300, 1_100],
  [9_000, 1_400],
  [undefined, 1_400],
]

for (const [rttMs, limitMs] of LIMITS_BY_RTT) {
  test(`with a round trip of ${rttMs ?? 'unknown'} ms a probe may take ${limitMs} ms`, () => {
    assert.equal(probeLimitMs(rttMs, LIMITS), limitMs)
  })
}

test('every tenth probe is on a new connection', () => {
  const numbers = Array.from({ length: 30 }, (_, at) => at + 1)

  const onNew = numbers.filter((number) => probeConnection(number, LIMITS) === 'new')

  assert.deepEqual(onNew, [10, 20, 30])
})

const STEADY: Pulse = { beatMs: NOW, resumedMs: Number.NEGATIVE_INFINITY }

test('a late beat is jitter, and a very late one the end of a pause', () => {
  const late = nextPulse(STEADY, NOW + 3_000, LIMITS)
  const paused = nextPulse(STEADY, NOW + 3_001, LIMITS)

  assert.deepEqual(late, { beatMs: NOW + 3_000, resumedMs: Number.NEGATIVE_INFINITY })
  assert.deepEqual(paused, { beatMs: NOW + 3_001, resumedMs: NOW + 3_001 })
})

test('what is a pause grows with the interval of the probes', () => {
  const slow = { ...LIMITS, probeEveryMs: 10_000 }

  assert.equal(nextPulse(STEADY, NOW + 30_000, slow).resumedMs, Number.NEGATIVE_INFINITY)
  assert.equal(nextPulse(STEADY, NOW + 30_001, slow).resumedMs, NOW + 30_001)
})

test('for a second after a pause what is seen may be its effect', () => {
  const paused: Pulse = { beatMs: NOW, resumedMs: NOW }

  assert.equal(isWaking(STEADY, NOW), false)
  assert.equal(isWaking(paused, NOW + 999), true)
  assert.equal(isWaking(nextPulse(paused, NOW + 1_000, LIMITS), NOW + 1_000), false)
})
