import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noteEvent } from './health-notes.ts'
import {
  type HealthEvent,
  type HealthState,
  initialHealth,
  HEALTH_DEFAULTS as LIMITS,
  type ProbeStreak,
  type RegionHealth,
} from './health-states.ts'

const good: HealthEvent = {
  kind: 'probe-passed',
  isDraining: false,
  accepts: { interactive: true, durable: true },
}
const bad: HealthEvent = { kind: 'probe-failed' }

function noted(
  start: RegionHealth,
  ...steps: readonly [atMs: number, event: HealthEvent][]
): RegionHealth {
  return steps.reduce((health, [atMs, event]) => noteEvent(health, event, atMs, LIMITS), start)
}

const NEW = initialHealth(0)

const STREAKS: readonly [
  situation: string,
  steps: readonly [atMs: number, event: HealthEvent][],
  streak: ProbeStreak,
][] = [
  [
    'good probes are counted from the first to the last',
    [
      [10, good],
      [20, good],
      [30, good],
    ],
    { passed: 3, failed: 0, firstMs: 10, lastMs: 30 },
  ],
  [
    'failed ones, too',
    [
      [10, bad],
      [20, bad],
    ],
    { passed: 0, failed: 2, firstMs: 10, lastMs: 20 },
  ],
  [
    'a probe with another result begins anew',
    [
      [10, good],
      [20, bad],
      [30, good],
    ],
    { passed: 1, failed: 0, firstMs: 30, lastMs: 30 },
  ],
]

for (const [situation, steps, streak] of STREAKS) {
  test(`of the probes of a region: ${situation}`, () => {
    assert.deepEqual(noted(NEW, ...steps).memory.probes, streak)
  })
}

test('a note never changes the kind of a state: that is for the table', () => {
  const states: readonly HealthState[] = [
    { kind: 'healthy', sinceMs: 0 },
    { kind: 'suspect', sinceMs: 0, cause: 'probes' },
    { kind: 'down', sinceMs: 0, cause: 'lane' },
    { kind: 'ejected', sinceMs: 0, untilMs: 1 },
    { kind: 'probing', sinceMs: 0, trialsLeft: 1, trialsStarted: 2 },
    { kind: 'draining', sinceMs: 0 },
  ]
  const begunIn = { kind: 'probing', sinceMs: 0 } as const
  const events: readonly HealthEvent[] = [
    good,
    bad,
    { kind: 'attempt-begun' },
    { kind: 'attempt-started', begunIn },
    {
      kind: 'attempt-ended',
      begunIn,
      lane: 'interactive',
      hasStarted: false,
      evidence: 'connection',
    },
    { kind: 'operator-drained' },
    { kind: 'operator-undrained' },
    { kind: 'time-passed' },
  ]

  for (const state of states) {
    for (const event of events) {
      const after = noted({ ...NEW, state }, ...Array(30).fill([1e6, event]))
      assert.equal(after.state.kind, state.kind)
    }
  }
})

test('what is noted of requests is kept for regions in rotation only', () => {
  const begunIn = { kind: 'healthy', sinceMs: 0 } as const
  const failure: HealthEvent = {
    kind: 'attempt-ended',
    begunIn,
    lane: 'interactive',
    hasStarted: true,
    evidence: 'infrastructure',
  }
  const down: RegionHealth = { ...NEW, state: { kind: 'down', sinceMs: 0, cause: 'probes' } }

  assert.equal(noted(NEW, [10, failure]).memory.evidence.failures, 1)
  assert.equal(noted(down, [10, failure]), down)
})
