import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  NOW_MS,
  preparedOf,
  type RegionSketch,
  requestOf,
  rowOfRegions,
} from '../../test/support/decision-world.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import type { PreparedRegion } from './region-facts.ts'
import { parseResidency } from './residency.ts'
import {
  type DecisionRequest,
  type Exclusion,
  isBarred,
  isInRotation,
  rank,
  type WeighedRegion,
  weighAll,
} from './weigh.ts'

function weighed(
  sketch: Partial<RegionSketch>,
  request: Partial<DecisionRequest> = {},
): WeighedRegion {
  const [region] = weighAll(
    requestOf(request),
    [preparedOf({ id: 'eu', ...sketch })],
    DECISION_DEFAULTS,
  )
  assert.ok(region)
  return region
}

const EU_ONLY = parseResidency(['eu'], ['eu', 'us'])
const CLOSED = { interactive: false, durable: true }

// In the order of precedence: some of them break rules further down, too.
const RULES: readonly [
  situation: string,
  sketch: Partial<RegionSketch>,
  request: Partial<DecisionRequest>,
  excludedBy: Exclusion | undefined,
][] = [
  ['it is well', {}, {}, undefined],
  ['it is suspect', { facts: { state: 'suspect' } }, {}, undefined],
  ['the operator drains it', { region: { admin: 'drain' } }, {}, 'admin'],
  ['it is switched off', { region: { admin: 'off' }, report: { draining: true } }, {}, 'admin'],
  ['its report says that it drains', { report: { draining: true } }, {}, 'draining'],
  ['its state says that it drains', { facts: { state: 'draining' } }, {}, 'draining'],
  ['it has no tag that is wanted', {}, { residency: EU_ONLY, model: 'none' }, 'residency'],
  [
    'it has a tag that is wanted',
    { region: { residencyTags: ['eu'] } },
    { residency: EU_ONLY },
    undefined,
  ],
  ['it does not have the model', { facts: { speaksOurWire: false } }, { model: 'llama3' }, 'model'],
  ['it was never heard of', { facts: { report: undefined } }, {}, 'model'],
  [
    'it has another digest than it is configured for',
    { region: { models: new Map([['qwen3', { digest: 'sha256:def' }]]) } },
    {},
    'model',
  ],
  ['it has another digest than the answer began with', {}, { digest: 'def' }, 'model'],
  ['it has the digest that the answer began with', {}, { digest: 'abc' }, undefined],
  ['nobody knows which digest it has', { digest: '' }, { digest: '' }, 'model'],
  ['it speaks another wire', { facts: { speaksOurWire: false, accepts: CLOSED } }, {}, 'version'],
  ['its lane takes nothing', { facts: { accepts: CLOSED, state: 'down' } }, {}, 'lane'],
  ['the other lane takes nothing', { facts: { accepts: CLOSED } }, { lane: 'durable' }, undefined],
  ['it is down', { facts: { state: 'down' }, signals: { isOverfull: true } }, {}, 'state'],
  ['it is ejected', { facts: { state: 'ejected' } }, {}, 'state'],
  ['it is probing', { facts: { state: 'probing', trialsLeft: 3 } }, {}, 'state'],
  [
    'it was tried',
    { signals: { isOverfull: true } },
    { tried: [{ regionId: 'eu', outcome: 'failed' }] },
    'tried',
  ],
  ['another was tried', {}, { tried: [{ regionId: 'us', outcome: 'failed' }] }, undefined],
  [
    'it is overfull',
    { signals: { isOverfull: true, inFlight: 9, inFlightLimit: 9 } },
    {},
    'overfull',
  ],
  ['as much is in flight as may be', { signals: { inFlight: 9, inFlightLimit: 9 } }, {}, 'limit'],
  ['one more may be in flight', { signals: { inFlight: 8, inFlightLimit: 9 } }, {}, undefined],
  ['the throttle draws it', { signals: { skipProbability: () => 0.6 } }, {}, 'throttle'],
  ['the throttle draws another', { signals: { skipProbability: () => 0.4 } }, {}, undefined],
]

for (const [situation, sketch, request, excludedBy] of RULES) {
  const verdict = excludedBy === undefined ? 'takes work' : `is kept out by ${excludedBy}`
  test(`a region ${verdict} when ${situation}`, () => {
    const region = weighed(sketch, request)

    assert.equal(region.excludedBy, excludedBy)
    assert.equal(region.availability > 0, excludedBy === undefined)
  })
}

test('rules that hold whatever the need are told from those that do not', () => {
  const barred = RULES.filter(([, sketch, request]) => isBarred(weighed(sketch, request)))

  assert.deepEqual(
    new Set(barred.map(([, , , rule]) => rule)),
    new Set(['admin', 'draining', 'residency', 'model', 'version', 'lane']),
  )
  assert.equal(isInRotation(weighed({ facts: { state: 'suspect' } })), true)
  assert.equal(isInRotation(weighed({ facts: { state: 'probing' } })), false)
})

test('load is what the report says and what all gateways are taken to have sent since', () => {
  const region = weighed(
    { queue: { busy: 20, queued: 1 }, signals: { sentSinceReport: 3, doneSinceReport: 1 } },
    { liveGateways: 2 },
  )

  // 21 + 2 × 2 = 25 on 20 slots: 6 before it find no slot, 6 × 2,000 / 20 = 600 ms.
  assert.deepEqual([region.factors?.est, region.factors?.u, region.waitMs], [25, 1.25, 600])
})

test('ramps are counted from when the region and the lane of the request came back', () => {
  const laneReadySinceMs = { interactive: NOW_MS - 1_000, durable: undefined }
  const facts = { readySinceMs: NOW_MS - 15_000, laneReadySinceMs }

  assert.equal(weighed({ facts }).factors?.ramp, 0.2)
  assert.equal(weighed({ facts }, { lane: 'durable' }).factors?.ramp, 0.5)
})

test('of a region that does not serve the model no load is known', () => {
  const { factors, waitMs, availability } = weighed({}, { model: 'llama3' })

  assert.deepEqual([factors, waitMs, availability], [undefined, undefined, 0])
})

test('one draw throttles some of many regions and not all or none of them', () => {
  const throttled = Array.from(
    { length: 100 },
    (_, at): PreparedRegion =>
      preparedOf({ id: `r${at}`, signals: { skipProbability: () => 0.5 } }),
  )
  const skipped = weighAll(requestOf(), throttled, DECISION_DEFAULTS).filter(
    ({ excludedBy }) => excludedBy === 'throttle',
  )

  assert.ok(skipped.length >= 45 && skipped.length <= 55, `${skipped.length}`)
})

function orderOf(regions: readonly PreparedRegion[], request: Partial<DecisionRequest> = {}) {
  const asked = requestOf(request)
  const { regions: order, costs } = rank(
    weighAll(asked, regions, DECISION_DEFAULTS),
    asked,
    DECISION_DEFAULTS,
  )
  assert.deepEqual(
    order.map(({ regionId }) => regionId),
    costs.map(({ regionId }) => regionId),
  )
  return order.map(({ regionId }) => regionId)
}

test('regions are ranked by distance whatever their state, and a preferred one comes first', () => {
  const regions = rowOfRegions({ id: 'a', facts: { state: 'down' } }, { id: 'b' }, { id: 'c' })

  assert.deepEqual(orderOf(regions), ['a', 'b', 'c'])
  assert.deepEqual(orderOf(regions, { preferRegionId: 'c' }), ['c', 'a', 'b'])
  assert.deepEqual(orderOf(regions, { preferRegionId: 'nowhere' }), ['a', 'b', 'c'])
  assert.deepEqual(orderOf([]), [])
})

test('regions that are equally near are ranked by their published tie scores', () => {
  const regions = [
    preparedOf({ id: 'slow', rttMs: 90 }),
    preparedOf({ id: 'fast', rttMs: 20 }),
    preparedOf({ id: 'busy', rttMs: 5, queue: { busy: 20 } }), // 5 + 1 × 2,000 / 20 = 105 ms.
  ]

  assert.deepEqual(orderOf(regions), ['fast', 'slow', 'busy'])
})
