import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LoadReport, QueueLoad } from '#wire/load-report.ts'
import {
  factsOf,
  NOW_MS,
  reportOf,
  requestOf,
  rowOfRegions,
} from '../../test/support/decision-world.ts'
import { decide } from './decide.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import { prepareRegion } from './region-facts.ts'
import { ReportGate, type ReportVerdict } from './report-gate.ts'

const EU = { id: 'eu' }

function reportWith(report: Partial<LoadReport>, queue: Partial<QueueLoad> = {}): LoadReport {
  return reportOf({ ...EU, report: { epoch: 5, seq: 10, ...report }, queue })
}

const VERDICTS: readonly [situation: string, report: LoadReport, verdict: ReportVerdict][] = [
  ['the next of the same ingress', reportWith({ seq: 11 }), 'accepted'],
  ['one that skipped some', reportWith({ seq: 400 }), 'accepted'],
  ['the first after a restart of the ingress', reportWith({ epoch: 6, seq: 0 }), 'accepted'],
  ['the first of another ingress', reportWith({ ingress: 'i2', epoch: 1, seq: 1 }), 'accepted'],
  ['the same once more', reportWith({}), 'not-newer'],
  ['an older one', reportWith({ seq: 9 }), 'not-newer'],
  ['one from before the restart', reportWith({ epoch: 4, seq: 99 }), 'not-newer'],
  ['one in the name of another region', reportWith({ region: 'us', seq: 11 }), 'other-region'],
  ['half a slot', reportWith({ seq: 11 }, { slots: 0.5 }), 'out-of-bounds'],
  ['a negative queue', reportWith({ seq: 11 }, { queued: -1 }), 'out-of-bounds'],
  [
    'more healthy workers than workers',
    reportWith({ seq: 11 }, { workers: { healthy: 3, total: 2 } }),
    'out-of-bounds',
  ],
]

for (const [situation, report, verdict] of VERDICTS) {
  test(`${situation} is ${verdict}`, () => {
    const gate = new ReportGate('eu')
    assert.equal(gate.judge(reportWith({})), 'accepted')

    assert.equal(gate.judge(report), verdict)
  })
}

test('each ingress has its own order, whoever spoke in between', () => {
  const gate = new ReportGate('eu')
  gate.judge(reportWith({ ingress: 'i1', seq: 10 }))
  gate.judge(reportWith({ ingress: 'i2', seq: 3 }))

  assert.equal(gate.judge(reportWith({ ingress: 'i1', seq: 10 })), 'not-newer')
  assert.equal(gate.judge(reportWith({ ingress: 'i2', seq: 4 })), 'accepted')
})

test('a refused report leaves no trace', () => {
  const gate = new ReportGate('eu')
  gate.judge(reportWith({ seq: 500 }, { queued: -1 }))
  gate.judge(reportWith({ region: 'us', seq: 500 }))

  assert.equal(gate.judge(reportWith({ seq: 11 })), 'accepted')
})

test('a region that invents ingresses pushes out those it did not use for long', () => {
  const gate = new ReportGate('eu')
  gate.judge(reportWith({ ingress: 'first' }))
  for (let at = 0; at < 63; at++) gate.judge(reportWith({ ingress: `i${at}` }))
  assert.equal(gate.judge(reportWith({ ingress: 'first' })), 'not-newer')

  gate.judge(reportWith({ ingress: 'one-too-many' }))
  assert.equal(gate.judge(reportWith({ ingress: 'first' })), 'accepted')
})

test('a report that is old, replayed, foreign or impossible changes nothing (invariant 10)', () => {
  const anyReport = fc.record({
    region: fc.constantFrom('eu', 'eu', 'us'),
    ingress: fc.constantFrom('i1', 'i2'),
    epoch: fc.integer({ min: 1, max: 3 }),
    seq: fc.nat(20),
    busy: fc.constantFrom(0, 12, 17, 19, 20, -1, 0.5),
  })
  fc.assert(
    fc.property(fc.array(anyReport, { maxLength: 40 }), (reports) => {
      const gate = new ReportGate('eu')
      const seen: { ingress: string; epoch: number; seq: number }[] = []
      let eu = prepareRegion(factsOf(EU), undefined, NOW_MS, DECISION_DEFAULTS)
      const others = rowOfRegions({ id: 'near' }, { id: 'far' }).slice(1)
      const sharesNow = () => decide(requestOf(), [eu, ...others], DECISION_DEFAULTS).rows()
      for (const { busy, ...head } of reports) {
        const before = sharesNow()
        const report = reportOf({ ...EU, report: head, queue: { busy } })
        const isForeign = head.region !== 'eu'
        const isImpossible = busy < 0 || !Number.isInteger(busy)
        const isOld = seen.some(
          ({ ingress, epoch, seq }) =>
            ingress === head.ingress &&
            (epoch > head.epoch || (epoch === head.epoch && seq >= head.seq)),
        )
        const isAccepted = gate.judge(report) === 'accepted'

        assert.equal(isAccepted, !isForeign && !isImpossible && !isOld)
        if (isAccepted) {
          seen.push(head)
          eu = prepareRegion({ ...eu.facts, report }, eu, NOW_MS, DECISION_DEFAULTS)
        } else {
          assert.deepEqual(sharesNow(), before)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('10⁹ slots attract no more work than the most that a region may have', () => {
  const shareOfLiar = (slots: number): number | undefined => {
    const [honest, liar] = rowOfRegions(
      { id: 'honest', queue: { busy: 18 } },
      { id: 'liar', queue: { slots, busy: 250 } },
    )
    assert.ok(honest && liar)
    const rows = decide(requestOf(), [honest, liar], DECISION_DEFAULTS).rows()
    return rows.find(({ id }) => id === 'liar')?.avail
  }

  assert.equal(shareOfLiar(1e9), shareOfLiar(256))
})
