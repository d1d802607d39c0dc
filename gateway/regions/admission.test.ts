import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Priority } from '#wire/region-api.ts'
import {
  type AdmissionFacts,
  type AdmissionRefusal,
  type CandidateLoad,
  decideAdmission,
  retryAfterS,
} from './admission.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'

// Three regions of 20 slots with queues of 10: together 60 slots and 30 places to wait.
const IDLE: CandidateLoad = { slots: 60, queueLimit: 30, est: 0, leastWaitMs: 0 }

function verdict(facts: Partial<AdmissionFacts> = {}): AdmissionRefusal | undefined {
  return decideAdmission(
    { priority: 'standard', deadlineLeftMs: 120_000, load: IDLE, isBrownOut: false, ...facts },
    DECISION_DEFAULTS,
  )
}

const CLASSES: readonly [priority: Priority, lastAdmitted: number, because: string][] = [
  ['critical', 89, 'all 60 slots and all 30 places'],
  ['standard', 86, 'all 60 slots and 27 places'],
  ['batch', 41, '42 slots and no place'],
]

for (const [priority, lastAdmitted, because] of CLASSES) {
  test(`${priority} work may fill ${because}`, () => {
    const whenBusyWith = (est: number) => verdict({ priority, load: { ...IDLE, est } })

    assert.equal(whenBusyWith(lastAdmitted), undefined)
    assert.equal(whenBusyWith(lastAdmitted + 1), 'priority')
  })
}

test('the least important work is refused first', () => {
  const refusedAt = (priority: Priority): number => {
    let est = 0
    while (verdict({ priority, load: { ...IDLE, est } }) === undefined) est += 1
    return est
  }

  assert.ok(refusedAt('batch') < refusedAt('standard'))
  assert.ok(refusedAt('standard') < refusedAt('critical'))
})

test('a request whose wait would take more than half of its deadline is refused', () => {
  // 5 s of wait and 2 s of deadline; then 10 s, half of which is just enough.
  const load = { ...IDLE, est: 65, leastWaitMs: 5_000 }

  assert.equal(verdict({ load, deadlineLeftMs: 2_000 }), 'deadline')
  assert.equal(verdict({ load, deadlineLeftMs: 9_999 }), 'deadline')
  assert.equal(verdict({ load, deadlineLeftMs: 10_000 }), undefined)
  assert.equal(verdict({ load, deadlineLeftMs: 2_000, priority: 'critical' }), 'deadline')
})

test('a deadline that has passed admits only what would start at once', () => {
  assert.equal(verdict({ deadlineLeftMs: 0 }), undefined)
  assert.equal(verdict({ deadlineLeftMs: -1 }), 'deadline')
})

test('a brown-out ends batch work and nothing else', () => {
  assert.equal(verdict({ isBrownOut: true, priority: 'batch' }), 'brown-out')
  assert.equal(verdict({ isBrownOut: true, priority: 'standard' }), undefined)
  assert.equal(verdict({ isBrownOut: true, priority: 'critical' }), undefined)
})

const RETURNS: readonly [waitMs: number | undefined, seconds: number][] = [
  [0, 1],
  [1, 1],
  [1_000, 1],
  [1_001, 2],
  [12_300, 13],
  [400_000, 58],
  [Number.POSITIVE_INFINITY, 58],
  [undefined, 5],
]

for (const [waitMs, seconds] of RETURNS) {
  test(`who was spared a wait of ${waitMs ?? 'unknown'} ms may return in ${seconds} s`, () => {
    assert.equal(retryAfterS(waitMs), seconds)
  })
}
