import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DECISION_DEFAULTS } from './decision-options.ts'

test('the defaults are those of the specification', () => {
  assert.deepEqual(DECISION_DEFAULTS, {
    proximity: 'client',
    utilizationSoft: 0.8,
    utilizationHard: 1,
    overprovision: 1.4,
    rampTimeMs: 30_000,
    rampLeast: 0.1,
    laneRampTimeMs: 5_000,
    suspectWeight: 0.5,
    degradedWeight: 0.25,
    degradedPublishP95Ms: 250,
    reportStaleMs: 3_000,
    serviceMeanMs: 5_000,
    tieHoldMs: 60_000,
    overfullRelease: 0.9,
    admitDeadlineShare: 0.5,
    admitStandardQueue: 0.9,
    admitBatchSlots: 0.7,
    limitLeast: 2,
    limitDecrease: 0.9,
    throttleFactor: 2,
    throttleWindowMs: 120_000,
    brownOutBelow: 0.5,
    retryShare: 0.2,
    retryFloor: 3,
    retryWindowMs: 10_000,
    tenantRetryShare: 0.1,
    panicRegionsMax: 3,
    panicInFlightMax: 10,
    explainRecordsMax: 10_000,
    explainAgeMs: 3_600_000,
  })
})

test('no part may change them', () => {
  assert.ok(Object.isFrozen(DECISION_DEFAULTS))
})
