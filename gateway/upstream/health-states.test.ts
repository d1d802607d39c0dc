import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HealthState, initialHealth, isInRotation, nextHealth } from './health-states.ts'

const LIMITS = { probeFall: 3, probeRise: 2 }
const AT = 500
const NEW: HealthState = { kind: 'suspect', sinceMs: 100, failedProbes: 0 }
const HEALTHY: HealthState = { kind: 'healthy', sinceMs: 100 }
const DOWN: HealthState = { kind: 'down', sinceMs: 100, passedProbes: 0 }

const STEPS: readonly [
  situation: string,
  state: HealthState,
  event: 'probe-passed' | 'probe-failed',
  next: HealthState,
][] = [
  [
    'a new region is healthy after its first good probe',
    NEW,
    'probe-passed',
    { kind: 'healthy', sinceMs: AT },
  ],
  ['a healthy region stays so, since then', HEALTHY, 'probe-passed', HEALTHY],
  [
    'a healthy region is suspect after one failed probe',
    HEALTHY,
    'probe-failed',
    { kind: 'suspect', sinceMs: AT, failedProbes: 1 },
  ],
  [
    'a suspect region is suspect since its first failed probe',
    { kind: 'suspect', sinceMs: 100, failedProbes: 1 },
    'probe-failed',
    { kind: 'suspect', sinceMs: 100, failedProbes: 2 },
  ],
  [
    'a suspect region is healthy after one good probe',
    { kind: 'suspect', sinceMs: 100, failedProbes: 2 },
    'probe-passed',
    { kind: 'healthy', sinceMs: AT },
  ],
  [
    'the third failed probe in a row takes a region down',
    { kind: 'suspect', sinceMs: 100, failedProbes: 2 },
    'probe-failed',
    { kind: 'down', sinceMs: AT, passedProbes: 0 },
  ],
  ['a region that is down stays so', DOWN, 'probe-failed', DOWN],
  [
    'one good probe of two does not bring a region back',
    DOWN,
    'probe-passed',
    { kind: 'down', sinceMs: 100, passedProbes: 1 },
  ],
  [
    'the second good probe brings a region back',
    { kind: 'down', sinceMs: 100, passedProbes: 1 },
    'probe-passed',
    { kind: 'healthy', sinceMs: AT },
  ],
  [
    'good probes count in a row only',
    { kind: 'down', sinceMs: 100, passedProbes: 1 },
    'probe-failed',
    { kind: 'down', sinceMs: 100, passedProbes: 0 },
  ],
]

for (const [situation, state, kind, next] of STEPS) {
  test(situation, () => {
    assert.deepEqual(nextHealth(state, { kind }, AT, LIMITS), next)
  })
}

test('what does not change is the same object', () => {
  assert.equal(nextHealth(HEALTHY, { kind: 'probe-passed' }, AT, LIMITS), HEALTHY)
  assert.equal(nextHealth(DOWN, { kind: 'probe-failed' }, AT, LIMITS), DOWN)
})

test('with limits of one, one probe decides', () => {
  const limits = { probeFall: 1, probeRise: 1 }

  assert.equal(nextHealth(HEALTHY, { kind: 'probe-failed' }, AT, limits).kind, 'down')
  assert.equal(nextHealth(DOWN, { kind: 'probe-passed' }, AT, limits).kind, 'healthy')
})

test('every state but down is in rotation, one of which nothing is known included', () => {
  assert.deepEqual([initialHealth(100), HEALTHY, DOWN].map(isInRotation), [true, true, false])
  assert.deepEqual(initialHealth(100), NEW)
})
