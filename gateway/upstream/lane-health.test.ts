import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type LaneHealth,
  laneAfterAnswer,
  laneAfterRefusal,
  laneAfterReport,
  UNKNOWN_LANE,
} from './lane-health.ts'

const AT = 500
const OPEN: LaneHealth = { kind: 'accepting', refusals: 0, rampSinceMs: undefined }
const REFUSED_ONCE: LaneHealth = { ...OPEN, refusals: 1 }
const REOPENED: LaneHealth = { ...OPEN, rampSinceMs: 100 }
const SHUT: LaneHealth = { kind: 'refusing', sinceMs: 100 }
const SHUT_NOW: LaneHealth = { kind: 'refusing', sinceMs: AT }

type Step = (lane: LaneHealth) => LaneHealth
const saysYes: Step = (lane) => laneAfterReport(lane, true, AT)
const saysNo: Step = (lane) => laneAfterReport(lane, false, AT)
const refuses: Step = (lane) => laneAfterRefusal(lane, AT)

const STEPS: readonly [situation: string, lane: LaneHealth, step: Step, next: LaneHealth][] = [
  ['a lane that accepts from the start has no ramp', UNKNOWN_LANE, saysYes, OPEN],
  ['a lane that does not accept from the start is shut since then', UNKNOWN_LANE, saysNo, SHUT_NOW],
  ['a report shuts a lane at once', OPEN, saysNo, SHUT_NOW],
  ['a lane that stays shut is shut since it was first', SHUT, saysNo, SHUT],
  ['a lane that opens again has a ramp', SHUT, saysYes, { ...OPEN, rampSinceMs: AT }],
  ['a ramp goes on while the lane accepts', REOPENED, saysYes, REOPENED],
  ['one refusal does not shut a lane', OPEN, refuses, REFUSED_ONCE],
  ['the second in a row does', REFUSED_ONCE, refuses, SHUT_NOW],
  ['an answer ends the row', REFUSED_ONCE, laneAfterAnswer, OPEN],
  ['so does a report that it accepts', REFUSED_ONCE, saysYes, OPEN],
  ['a refusal of a shut lane is nothing new', SHUT, refuses, SHUT],
  ['an answer does not open a shut lane: the report does', SHUT, laneAfterAnswer, SHUT],
  ['a refusal before the first report says nothing', UNKNOWN_LANE, refuses, UNKNOWN_LANE],
]

for (const [situation, lane, step, next] of STEPS) {
  test(situation, () => {
    assert.deepEqual(step(lane), next)
  })
}

test('what does not change is the same object', () => {
  assert.equal(saysYes(OPEN), OPEN)
  assert.equal(saysNo(SHUT), SHUT)
  assert.equal(laneAfterAnswer(OPEN), OPEN)
})
