import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  MODEL,
  NOW_MS,
  type RegionSketch,
  requestOf,
  rowOfRegions,
} from '../../test/support/decision-world.ts'
import type { RegionState } from './availability.ts'
import { type Decision, decide, type Refusal } from './decide.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import type { RegionFacts } from './region-facts.ts'
import { parseResidency, satisfiesResidency } from './residency.ts'
import type { DecisionRequest, TriedRegion } from './weigh.ts'

type Sketch = Omit<RegionSketch, 'id'>

/** Decides between regions a, b, c …, each farther away than the one before. */
function decideBetween(
  sketches: readonly Sketch[],
  request: Partial<DecisionRequest> = {},
): Decision {
  const named = sketches.map((sketch, at) => ({ id: 'abcdefgh'.charAt(at), ...sketch }))
  return decide(requestOf(request), rowOfRegions(...named), DECISION_DEFAULTS)
}

/** A decision in a word: mode and region, or the reason of a refusal with its code. */
function wordOf(decision: Decision): string {
  if (decision.mode !== 'refused') {
    return `${decision.isTrial ? 'trial' : decision.mode} ${decision.regionId}`
  }
  return `${decision.refusal.reason}: ${decision.refusal.code}`
}

function tried(...attempts: readonly `${string} ${TriedRegion['outcome']}`[]): TriedRegion[] {
  return attempts.map((attempt) => {
    const [regionId = '', outcome] = attempt.split(' ')
    return { regionId, outcome: outcome as TriedRegion['outcome'] }
  })
}

const WELL: Sketch = {}
/** 18 of 20 slots taken: half of its headroom is left. */
const HALF: Sketch = { queue: { busy: 18 } }
const FULL: Sketch = { queue: { busy: 20 } }
const EMPTY: Sketch = { queue: { slots: 0 } }
const OVERFULL: Sketch = { queue: { busy: 20, queued: 9 }, signals: { isOverfull: true } }
const LIMITED: Sketch = { signals: { inFlight: 20, inFlightLimit: 20 } }
const inState = (state: RegionState, trialsLeft = 0): Sketch => ({ facts: { state, trialsLeft } })
const DOWN = inState('down')
const NO_MODEL: Sketch = { facts: { models: new Map() } }
const LANE_OFF: Sketch = { facts: { accepts: { interactive: false, durable: true } } }
const NO_SHARE: Sketch = { region: { capacityScaler: 0 } }
const tagged = (tag: string, sketch: Sketch = {}): Sketch => ({
  ...sketch,
  region: { ...sketch.region, residencyTags: [tag] },
})
const EU_ONLY = { residency: parseResidency(['eu'], ['eu', 'us']) }

const DECISIONS: readonly [
  situation: string,
  sketches: readonly Sketch[],
  request: Partial<DecisionRequest>,
  word: string,
][] = [
  // Waterfall.
  ['the nearest can take everything', [WELL, WELL], { x: 0.999 }, 'waterfall a'],
  ['the nearest can take half', [HALF, WELL], { x: 0.49 }, 'waterfall a'],
  ['the other half moves on', [HALF, WELL], { x: 0.51 }, 'waterfall b'],
  [
    'a suspect region has half of its weight',
    [inState('suspect'), WELL],
    { x: 0.51 },
    'waterfall b',
  ],
  ['a region is preferred', [WELL, WELL, WELL], { preferRegionId: 'c' }, 'waterfall c'],
  [
    'the preferred one can take half',
    [WELL, HALF],
    { preferRegionId: 'b', x: 0.51 },
    'waterfall a',
  ],
  ['the preferred one is out', [WELL, DOWN], { preferRegionId: 'b' }, 'waterfall a'],
  [
    'the preferred one is forbidden',
    [tagged('eu'), tagged('us')],
    { ...EU_ONLY, preferRegionId: 'b' },
    'waterfall a',
  ],
  ['the nearest has all in flight that may be', [LIMITED, WELL], {}, 'waterfall b'],

  // Trials.
  ['the cheapest comes back', [inState('probing', 1), WELL], {}, 'trial a'],
  ['its trials are under way', [inState('probing', 0), WELL], {}, 'waterfall b'],
  ['a dearer one comes back', [WELL, inState('probing', 3)], { x: 0.999 }, 'waterfall a'],
  [
    'one behind a region that is out comes back',
    [DOWN, inState('probing', 3), WELL],
    {},
    'trial b',
  ],
  [
    'one behind a region that is full up comes back',
    [LIMITED, inState('probing', 3)],
    {},
    'trial b',
  ],
  [
    'the one that comes back has no slots',
    [{ ...EMPTY, ...inState('probing', 3) }, WELL],
    {},
    'waterfall b',
  ],
  [
    'a retry is no trial',
    [inState('probing', 3), WELL, WELL],
    { tried: tried('b failed') },
    'waterfall c',
  ],

  // Panic.
  ['all are down', [DOWN, DOWN, DOWN, DOWN], {}, 'panic a'],
  ['all are out, each in its way', [inState('ejected'), DOWN, inState('probing')], {}, 'panic a'],
  ['the first of them failed', [DOWN, DOWN, DOWN, DOWN], { tried: tried('a failed') }, 'panic b'],
  [
    'the three cheapest of them failed',
    [DOWN, DOWN, DOWN, DOWN],
    { tried: tried('a failed', 'b failed', 'c failed') },
    'unavailable: no_region_available',
  ],
  ['those that are not down lack the model', [NO_MODEL, DOWN], {}, 'panic b'],
  ['those that are not down are forbidden', [tagged('us'), tagged('eu', DOWN)], EU_ONLY, 'panic b'],
  [
    'the one that is down is forbidden',
    [tagged('us', DOWN)],
    EU_ONLY,
    'unavailable: residency_forbidden',
  ],
  [
    'the nearest that is down has ten in flight',
    [{ ...DOWN, signals: { inFlight: 10 } }, DOWN],
    {},
    'panic b',
  ],
  ['the operator gives the nearest no share', [{ ...DOWN, ...NO_SHARE }, DOWN], {}, 'panic b'],
  ['one region is full and the others down', [DOWN, FULL], {}, 'saturated b'],

  // Admission.
  ['all together have room for standard work', [FULL, FULL], {}, 'saturated a'],
  [
    'their queues are nine tenths full',
    [{ queue: { busy: 20, queued: 9 } }],
    {},
    'priority: overloaded',
  ],
  [
    'critical work may fill the rest',
    [{ queue: { busy: 20, queued: 9 } }],
    { priority: 'critical' },
    'saturated a',
  ],
  [
    'batch work has 70 % of the slots',
    [{ queue: { busy: 13 } }],
    { priority: 'batch' },
    'waterfall a',
  ],
  ['it has no more', [{ queue: { busy: 14 } }], { priority: 'batch' }, 'priority: overloaded'],
  ['another region has room for batch', [FULL, WELL], { priority: 'batch' }, 'waterfall b'],
  ['the wait is half of the time left', [FULL], { deadlineMs: NOW_MS + 200 }, 'saturated a'],
  ['the wait is more than that', [FULL], { deadlineMs: NOW_MS + 199 }, 'deadline: overloaded'],
  [
    'a retry has been admitted before',
    [WELL, FULL],
    { deadlineMs: NOW_MS + 199, tried: tried('a failed') },
    'saturated b',
  ],
  [
    'a durable task waits as long as it must',
    [FULL],
    { lane: 'durable', deadlineMs: NOW_MS },
    'saturated a',
  ],
  [
    'half of what is needed is no brown-out yet',
    [inState('suspect'), EMPTY],
    { priority: 'batch' },
    'waterfall a',
  ],
  [
    'batch work ends first in a brown-out',
    [{ ...HALF, ...inState('suspect') }],
    { priority: 'batch' },
    'brown-out: overloaded',
  ],

  // Saturation. Regions are 20 ms apart; FULL waits 1 × 2,000 / 20 = 100 ms.
  ['all are full, and waiting is cheapest nearby', [FULL, FULL], {}, 'saturated a'],
  [
    'waiting afar is cheaper than nearby',
    [{ queue: { busy: 20, queued: 1 } }, FULL],
    {},
    'saturated b',
  ],
  ['the nearest refuses, and the next may queue it', [OVERFULL, FULL], {}, 'saturated b'],
  ['all refuse', [OVERFULL, OVERFULL], { priority: 'critical' }, 'saturated a'],
  [
    'one refuses and the other may have no more in flight',
    [OVERFULL, { ...FULL, ...LIMITED }],
    {},
    'limit: overloaded',
  ],
  ['work may queue where it is full', [FULL, LIMITED], {}, 'saturated a'],
  ['batch work does not queue', [FULL, LIMITED], { priority: 'batch' }, 'limit: overloaded'],
  [
    'a region without share lends batch no room',
    [NO_SHARE, { queue: { busy: 14 } }],
    { priority: 'batch' },
    'priority: overloaded',
  ],
  [
    'one that refused is not asked again, even if nothing else says so',
    [WELL],
    { tried: tried('a overflow') },
    'limit: overloaded',
  ],
  ['nobody has slots', [EMPTY, EMPTY], {}, 'unavailable: no_region_available'],
  ['a region without share is asked for nothing', [FULL, NO_SHARE], {}, 'saturated a'],
  [
    'there is nothing but a region without share',
    [NO_SHARE],
    {},
    'unavailable: no_region_available',
  ],

  // Nobody.
  ['there are no regions', [], {}, 'unavailable: no_region_available'],
  ['nobody has the model', [NO_MODEL], {}, 'unavailable: no_region_available'],
  ['no lane accepts', [LANE_OFF, LANE_OFF], {}, 'unavailable: no_region_available'],
  [
    'the only allowed region takes nothing',
    [tagged('eu', LANE_OFF), tagged('us')],
    EU_ONLY,
    'unavailable: residency_unsatisfiable',
  ],
  [
    'the only allowed region lacks the model',
    [tagged('eu', NO_MODEL), tagged('us')],
    EU_ONLY,
    'unavailable: residency_forbidden',
  ],
  [
    'the only allowed region was never heard of',
    [tagged('eu', { facts: { report: undefined } }), tagged('us')],
    EU_ONLY,
    'unavailable: residency_unsatisfiable',
  ],
  [
    'the only allowed region is switched off',
    [{ region: { residencyTags: ['eu'], admin: 'off' } }, tagged('us')],
    EU_ONLY,
    'unavailable: residency_forbidden',
  ],
  [
    'the only allowed region is full up',
    [tagged('eu', LIMITED), tagged('us')],
    EU_ONLY,
    'limit: overloaded',
  ],

  // After a failure.
  ['the nearest failed', [WELL, WELL, WELL], { tried: tried('a failed') }, 'waterfall b'],
  ['the one in the middle failed', [WELL, WELL, WELL], { tried: tried('b failed') }, 'waterfall c'],
  ['the last failed', [WELL, WELL, WELL], { tried: tried('c failed') }, 'waterfall a'],
  [
    'the one in the middle failed and is down',
    [WELL, DOWN, WELL],
    { tried: tried('b failed') },
    'waterfall c',
  ],
  ['two failed', [WELL, WELL, WELL], { tried: tried('b failed', 'c failed') }, 'waterfall a'],
  ['the next has no room', [WELL, FULL, WELL], { tried: tried('a failed') }, 'waterfall c'],
  ['nobody else has room', [WELL, FULL], { tried: tried('a failed') }, 'saturated b'],
  ['it alone passes the filter', [WELL, DOWN], { tried: tried('a failed') }, 'waterfall a'],
  [
    'it alone does, and is out itself',
    [DOWN, NO_MODEL],
    { tried: tried('a failed') },
    'unavailable: no_region_available',
  ],
  [
    'both that pass the filter failed',
    [WELL, WELL],
    { tried: tried('a failed', 'b failed') },
    'unavailable: no_region_available',
  ],
  [
    'a worker was lost and another region is well',
    [WELL, WELL],
    { tried: tried('a lost-worker') },
    'waterfall b',
  ],
  [
    'a worker was lost and others have no room',
    [WELL, FULL],
    { tried: tried('a lost-worker') },
    'waterfall a',
  ],
  [
    'only another digest is left',
    [WELL, { digest: 'def' }],
    { digest: 'abc', tried: tried('a lost-worker') },
    'waterfall a',
  ],
  [
    'nobody else has the digest',
    [DOWN, { digest: 'def' }],
    { digest: 'abc', tried: tried('a failed') },
    'unavailable: no_region_available',
  ],

  // After an overflow.
  [
    'the next takes the overflow',
    [OVERFULL, HALF, WELL],
    { x: 0.999, tried: tried('a overflow') },
    'waterfall b',
  ],
  [
    'an overfull region is no target of a hop',
    [OVERFULL, OVERFULL, WELL],
    { tried: tried('a overflow') },
    'waterfall c',
  ],
  ['no other has room', [OVERFULL, FULL], { tried: tried('a overflow') }, 'limit: overloaded'],
  ['there is no other', [OVERFULL], { tried: tried('a overflow') }, 'limit: overloaded'],
  [
    'the second refused, too',
    [OVERFULL, OVERFULL, WELL],
    { tried: tried('a overflow', 'b overflow') },
    'second-overflow: overloaded',
  ],
]

for (const [situation, sketches, request, word] of DECISIONS) {
  test(`${situation}: ${word}`, () => {
    assert.equal(wordOf(decideBetween(sketches, request)), word)
  })
}

function refusalOf(decision: Decision): Refusal {
  assert.equal(decision.mode, 'refused')
  return decision.refusal
}

test('a refusal says how long the wait would have been, where that can be said', () => {
  const { waitMs } = refusalOf(decideBetween([FULL, OVERFULL], { deadlineMs: NOW_MS }))

  assert.equal(waitMs, 100)
  assert.equal(refusalOf(decideBetween([LANE_OFF])).waitMs, undefined)
  assert.equal(refusalOf(decideBetween([EMPTY])).waitMs, undefined)
})

test('it is a brown-out when all regions together can take less than half of the work', () => {
  assert.equal(decideBetween([HALF]).isBrownOut, false)
  assert.equal(decideBetween([{ queue: { busy: 19 } }]).isBrownOut, true)
  assert.equal(decideBetween([{ signals: { isOverfull: true } }, DOWN]).isBrownOut, true)
})

test('a brown-out is of the world, not of those that may use a part of it', () => {
  assert.equal(decideBetween([tagged('eu', FULL), tagged('us')], EU_ONLY).isBrownOut, false)
  assert.equal(
    decideBetween([tagged('eu', FULL), tagged('us', LANE_OFF)], EU_ONLY).isBrownOut,
    true,
  )
})

test('the same facts give the same decision', () => {
  const [first, second] = [1, 2].map(() => decideBetween([HALF, HALF, WELL], { x: 0.7 }))

  assert.deepEqual(first?.rows(), second?.rows())
  assert.equal(first && wordOf(first), second && wordOf(second))
})

test('a region that refused for being full is spared until it is calm: no ping-pong', () => {
  // A is at its limit and B at its own: each refusal sends the work on once, and never back.
  const first = decideBetween([FULL, HALF], { x: 0 })
  const hop = decideBetween([FULL, OVERFULL], { tried: tried('b overflow') })

  assert.equal(wordOf(first), 'waterfall b')
  assert.equal(wordOf(hop), 'limit: overloaded')
})

const VOCABULARY = ['eu', 'us', 'ap']
const anySketch = fc.record({
  state: fc.constantFrom<RegionState>(
    'healthy',
    'suspect',
    'down',
    'ejected',
    'probing',
    'draining',
  ),
  trialsLeft: fc.nat(3),
  admin: fc.constantFrom('active' as const, 'active' as const, 'drain' as const, 'off' as const),
  tags: fc.subarray(VOCABULARY),
  hasModel: fc.boolean(),
  digest: fc.constantFrom('abc', 'def', ''),
  accepts: fc.boolean(),
  isDraining: fc.boolean(),
  speaksOurWire: fc.boolean(),
  busy: fc.nat(30),
  queued: fc.nat(10),
  slots: fc.constantFrom(0, 4, 20),
  isOverfull: fc.boolean(),
  skip: fc.constantFrom(0, 0, 0.9),
  scaler: fc.constantFrom(0, 0.5, 1),
})
type AnySketch = typeof anySketch extends fc.Arbitrary<infer Value> ? Value : never

function sketchOf(any: AnySketch): Sketch {
  const facts: Partial<RegionFacts> = {
    state: any.state,
    trialsLeft: any.trialsLeft,
    speaksOurWire: any.speaksOurWire,
    accepts: { interactive: any.accepts, durable: true },
    ...(any.hasModel ? {} : { models: new Map() }),
  }
  return {
    facts,
    region: { residencyTags: any.tags, admin: any.admin, capacityScaler: any.scaler },
    report: { draining: any.isDraining },
    queue: { busy: any.busy, queued: any.queued, slots: any.slots },
    signals: { isOverfull: any.isOverfull, skipProbability: () => any.skip },
    digest: any.digest,
  }
}

const draw = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const anyRequest = fc.record({
  x: draw,
  throttleDraw: draw,
  priority: fc.constantFrom('critical' as const, 'standard' as const, 'batch' as const),
  residency: fc
    .option(fc.subarray(VOCABULARY), { nil: undefined })
    .map((list) => parseResidency(list, VOCABULARY)),
  digest: fc.constantFrom(undefined, 'abc'),
  preferRegionId: fc.constantFrom(undefined, 'b', 'c'),
})
const anyOutcome = fc.constantFrom<TriedRegion['outcome']>('failed', 'overflow', 'lost-worker')
const anyWorld = fc.array(anySketch, { minLength: 1, maxLength: 8 })

test('no attempt goes where a rule forbids it, nor twice without leave (invariants 2, 3)', () => {
  const outcomes = fc.array(anyOutcome, { minLength: 5, maxLength: 5 })
  fc.assert(
    fc.property(anyWorld, anyRequest, outcomes, (world, request, endings) => {
      const attempts: TriedRegion[] = []
      for (const outcome of endings) {
        const decision = decideBetween(world.map(sketchOf), { ...request, tried: attempts })
        if (decision.mode === 'refused') return
        const region = world['abcdefgh'.indexOf(decision.regionId)]
        assert.ok(region)
        assert.ok(satisfiesResidency(region.tags, request.residency))
        assert.ok(region.hasModel && region.accepts && region.speaksOurWire)
        assert.ok(request.digest === undefined || region.digest === request.digest)
        assert.ok(region.admin === 'active' && !region.isDraining && region.state !== 'draining')
        const isIn = region.state === 'healthy' || region.state === 'suspect'
        assert.equal(isIn, decision.mode !== 'panic' && !decision.isTrial)
        const before = attempts.filter(({ regionId }) => regionId === decision.regionId)
        if (before.length > 0) {
          const passing = decision.rows().filter(({ excludedBy }) => excludedBy === undefined)
          const isAlone = passing.length === 0
          assert.ok(isIn && (isAlone || before.at(-1)?.outcome === 'lost-worker'))
        }
        attempts.push({ regionId: decision.regionId, outcome })
        assert.ok(attempts.filter((attempt) => attempt.outcome === 'overflow').length <= 2)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('shares sum to 1 or are all 0, and only what can serve has one (invariant 1)', () => {
  fc.assert(
    fc.property(anyWorld, anyRequest, (world, request) => {
      const rows = decideBetween(world.map(sketchOf), request).rows()
      const sum = rows.reduce((total, { share }) => total + share, 0)
      const canServe = rows.filter(({ excludedBy, avail }) => !excludedBy && (avail ?? 0) > 0)

      assert.equal(rows.length, world.length)
      assert.ok(Math.abs(sum - (canServe.length > 0 ? 1 : 0)) < 1e-9)
      for (const row of rows) {
        assert.ok(row.share >= 0 && (row.share === 0 || canServe.includes(row)))
        if (row.avail === 1 && row === canServe[0]) assert.equal(row.share, 1)
      }
    }),
  )
})

test('the share of a decision is the frequency with which it is made', () => {
  const world = [{ queue: { busy: 17 } }, { queue: { busy: 19 } }, HALF]
  const rows = decideBetween(world).rows()
  const counts = new Map<string, number>()
  const DRAWS = 1_000
  for (let at = 0; at < DRAWS; at++) {
    const decision = decideBetween(world, { x: at / DRAWS })
    const id = decision.mode === 'refused' ? '' : decision.regionId
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }

  for (const { id, share } of rows) {
    assert.ok(Math.abs((counts.get(id) ?? 0) / DRAWS - share) <= 2 / DRAWS)
  }
})

test('a better region never has a lower share (invariant 12)', () => {
  const site = fc.record({
    lon: fc.double({ min: 0, max: 60, noNaN: true }),
    rttMs: fc.integer({ min: 1, max: 300 }),
    busy: fc.nat(20),
  })
  const better = fc.record({
    nearerBy: fc.double({ min: 0, max: 1, noNaN: true }),
    fasterByMs: fc.nat(300),
    lessBusy: fc.nat(20),
  })
  const radiusKm = fc.constantFrom(20, 500, Number.POSITIVE_INFINITY)
  fc.assert(
    fc.property(
      fc.array(site, { minLength: 1, maxLength: 8 }),
      fc.nat(),
      better,
      fc.constantFrom('nearer', 'faster', 'idler'),
      radiusKm,
      (sites, seed, by, how, accuracyRadiusKm) => {
        const at = seed % sites.length
        const own = sites[at]
        assert.ok(own)
        const improved = {
          nearer: { ...own, lon: own.lon * by.nearerBy },
          faster: { ...own, rttMs: Math.max(1, own.rttMs - by.fasterByMs) },
          idler: { ...own, busy: Math.max(0, own.busy - by.lessBusy) },
        }[how]
        const place = { location: { lat: 0, lon: 0 }, accuracyRadiusKm }
        const shareIn = (list: readonly (typeof own)[]): number => {
          const sketches = list.map(({ busy, ...rest }) => ({ ...rest, queue: { busy } }))
          const rows = decideBetween(sketches, { place }).rows()
          return rows.find(({ id }) => id === 'abcdefgh'.charAt(at))?.share ?? Number.NaN
        }

        assert.ok(shareIn(sites.with(at, improved)) >= shareIn(sites) - 1e-9)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('with fixed facts a key stays, however the model is written (invariant 9)', () => {
  fc.assert(
    fc.property(anyWorld, anyRequest, (world, request) => {
      const sketches = world.map(sketchOf)

      assert.equal(
        wordOf(decideBetween(sketches, { ...request, model: MODEL })),
        wordOf(decideBetween(sketches, { ...request, model: MODEL.toUpperCase() })),
      )
    }),
  )
})
