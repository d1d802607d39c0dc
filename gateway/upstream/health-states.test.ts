import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  HEALTH_DEFAULTS,
  type HealthState,
  initialHealth,
  isBegunIn,
  isInRotation,
} from './health-states.ts'

const STATES: readonly [state: HealthState, isIn: boolean][] = [
  [{ kind: 'healthy', sinceMs: 0 }, true],
  [{ kind: 'suspect', sinceMs: 0, cause: 'unknown' }, true],
  [{ kind: 'down', sinceMs: 0, cause: 'probes' }, false],
  [{ kind: 'ejected', sinceMs: 0, untilMs: 1 }, false],
  [{ kind: 'probing', sinceMs: 0, trialsLeft: 3, trialsStarted: 0 }, false],
  [{ kind: 'draining', sinceMs: 0 }, false],
]

for (const [state, isIn] of STATES) {
  test(`a region that is ${state.kind} is ${isIn ? '' : 'not '}in rotation`, () => {
    assert.equal(isInRotation(state), isIn)
  })
}

test('nothing is known of a new region: no lane, no drain, no ramp', () => {
  const { state, lanes, isDrained, rampSinceMs } = initialHealth(100)

  assert.deepEqual(state, { kind: 'suspect', sinceMs: 100, cause: 'unknown' })
  assert.deepEqual([lanes.interactive.kind, lanes.durable.kind], ['unknown', 'unknown'])
  assert.deepEqual([isDrained, rampSinceMs], [false, undefined])
})

test('an attempt belongs to the state in which it began, and to no later one of that kind', () => {
  const probing: HealthState = { kind: 'probing', sinceMs: 100, trialsLeft: 1, trialsStarted: 2 }

  assert.equal(isBegunIn({ begunIn: { kind: 'probing', sinceMs: 100 } }, probing), true)
  assert.equal(isBegunIn({ begunIn: { kind: 'probing', sinceMs: 99 } }, probing), false)
  assert.equal(isBegunIn({ begunIn: { kind: 'healthy', sinceMs: 100 } }, probing), false)
})

test('by default no region is kept out for longer than its return may take', () => {
  const { ejectMaxMs, holdDownMs, holdDownMaxMs } = HEALTH_DEFAULTS

  assert.ok(holdDownMs <= holdDownMaxMs)
  assert.ok(ejectMaxMs <= holdDownMaxMs)
})
