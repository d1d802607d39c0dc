import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  preparedOf,
  type RegionSketch,
  requestOf,
  rowOfRegions,
} from '../../test/support/decision-world.ts'
import type { CandidateRow } from './candidate-row.ts'
import { decide } from './decide.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import { parseResidency } from './residency.ts'
import type { DecisionRequest } from './weigh.ts'

const US: RegionSketch = { id: 'us', lat: 40.7128, lon: -74.006 }
const EU: RegionSketch = { id: 'eu', lat: 50.1109, lon: 8.6821 }
const AP: RegionSketch = { id: 'ap', lat: 1.3521, lon: 103.8198 }

function rowsFor(
  sketches: readonly RegionSketch[],
  request: Partial<DecisionRequest> = {},
): readonly CandidateRow[] {
  const prepared = sketches.map((sketch) => preparedOf(sketch))
  return decide(requestOf(request), prepared, DECISION_DEFAULTS).rows()
}

// Costs to two digits, and the order; of regions in one group the faster one is first.
const CLIENTS: readonly [
  client: string,
  at: [lat: number, lon: number],
  radiusKm: number,
  order: readonly [id: string, costMs: number, group: number][],
][] = [
  [
    'London',
    [51.5142, -0.0931],
    20,
    [
      ['eu', 12.71, 0],
      ['us', 111.45, 1],
      ['ap', 216.91, 2],
    ],
  ],
  [
    'Karachi',
    [24.86, 67.01],
    20,
    [
      ['ap', 94.73, 0],
      ['eu', 113.62, 1],
      ['us', 233.72, 2],
    ],
  ],
  [
    'Kabul',
    [34.53, 69.17],
    50,
    [
      ['ap', 102.96, 0],
      ['eu', 102.21, 0],
      ['us', 216.78, 1],
    ],
  ],
  [
    'Sydney',
    [-33.8688, 151.2093],
    500,
    [
      ['ap', 126.13, 0],
      ['eu', 329.66, 1],
      ['us', 319.78, 1],
    ],
  ],
]

for (const [client, [lat, lon], accuracyRadiusKm, order] of CLIENTS) {
  test(`a client in ${client} sees ${order.map(([id]) => id).join(', ')}`, () => {
    const place = { location: { lat, lon }, accuracyRadiusKm }
    const regions = [
      { ...US, rttMs: 80 },
      { ...EU, rttMs: 40 },
      { ...AP, rttMs: 20 },
    ]
    const rows = rowsFor(regions, { place })

    assert.deepEqual(
      rows.map(({ id, costMs, group }) => [id, Number(costMs.toFixed(2)), group]),
      order,
    )
  })
}

test('a bias draws a client in Dubai to Singapore', () => {
  const place = { location: { lat: 25.2048, lon: 55.2708 }, accuracyRadiusKm: 20 }
  const costsWith = (bias: number): unknown =>
    rowsFor([US, EU, { ...AP, region: { bias } }], { place }).map(({ id, costMs }) => [
      id,
      costMs.toFixed(2),
    ])

  assert.deepEqual(costsWith(25), [
    ['ap', '87.56'],
    ['eu', '96.71'],
    ['us', '220.16'],
  ])
  assert.deepEqual(costsWith(0), [
    ['eu', '96.71'],
    ['ap', '116.74'],
    ['us', '220.16'],
  ])
})

test('a row tells everything that was weighed', () => {
  const region: RegionSketch = {
    id: 'eu',
    lon: 9,
    rttMs: 30,
    region: { capacityScaler: 0.5 },
    queue: { busy: 15, queued: 1 },
    report: { degradedReason: 'disk-full' },
    facts: { state: 'suspect', readySinceMs: requestOf().nowMs - 12_000 },
    signals: { sentSinceReport: 1 },
  }
  const [row] = rowsFor([region], { liveGateways: 2 })

  assert.ok(row)
  const { geoMs, costMs, headroom, avail, ...rest } = row
  assert.equal(geoMs, costMs)
  assert.equal(costMs.toFixed(2), '20.02')
  // 18 on 20 slots: half of the headroom; 0.5 × 0.5 × 0.4 × 0.5 × 0.25 in all.
  assert.equal(headroom?.toFixed(6), '0.500000')
  assert.equal(avail?.toFixed(6), '0.012500')
  assert.deepEqual(rest, {
    id: 'eu',
    state: 'suspect',
    excludedBy: undefined,
    rttMs: 30,
    group: 0,
    tieScore: 30,
    est: 18,
    slots: 20,
    u: 0.9,
    waitMs: 0,
    workers: 1,
    capacityScaler: 0.5,
    ramp: 0.4,
    health: 0.5,
    degraded: 0.25,
    share: 1,
    reportAgeMs: 500,
  })
})

test('what bars a region is told behind the candidates, in the order of cost', () => {
  const prepared = rowOfRegions(
    { id: 'near', region: { residencyTags: ['us'] } },
    { id: 'drained', region: { residencyTags: ['eu'], admin: 'drain' } },
    { id: 'down', region: { residencyTags: ['eu'] }, facts: { state: 'down' } },
    { id: 'far', region: { residencyTags: ['eu'] } },
  )
  const residency = parseResidency(['eu'], ['eu', 'us'])
  const rows = decide(requestOf({ residency }), prepared, DECISION_DEFAULTS).rows()

  assert.deepEqual(
    rows.map(({ id, excludedBy, group, share }) => [id, excludedBy, group, share]),
    [
      ['down', 'state', 0, 0],
      ['far', undefined, 1, 1],
      ['near', 'residency', undefined, 0],
      ['drained', 'admin', undefined, 0],
    ],
  )
})

test('of a region that was never heard of little is known, and that is said', () => {
  const facts = { report: undefined, reportAtMs: Number.NEGATIVE_INFINITY }
  const [row] = rowsFor([{ id: 'eu', rttMs: undefined, facts }])

  assert.deepEqual(
    [row?.excludedBy, row?.slots, row?.est, row?.avail, row?.rttMs, row?.reportAgeMs],
    ['model', undefined, undefined, undefined, undefined, Number.POSITIVE_INFINITY],
  )
})
