import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type AvailabilityFacts,
  availabilityOf,
  boundedSlots,
  degradedFactor,
  estimatedLoad,
  type RegionState,
  workersFactor,
} from './availability.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'

const IDLE: AvailabilityFacts = {
  slots: 20,
  est: 0,
  workers: 1,
  degraded: 1,
  capacityScaler: 1,
  state: 'healthy',
  reportAgeMs: 500,
  readyForMs: undefined,
  laneReadyForMs: undefined,
}

function availabilityWith(facts: Partial<AvailabilityFacts>) {
  return availabilityOf({ ...IDLE, ...facts }, DECISION_DEFAULTS)
}

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`)
}

test('a healthy region that is half idle can take everything', () => {
  assert.equal(availabilityWith({}).avail, 1)
  assert.equal(availabilityWith({ est: 10 }).avail, 1)
})

// Of 20 slots: soft limit at 16, hard limit at 20, and between them (1 − u) / 0.2.
const HEADROOM: readonly [est: number, headroom: number][] = [
  [0, 1],
  [16, 1],
  [17, 0.75],
  [18, 0.5],
  [19, 0.25],
  [20, 0],
  [35, 0],
]

for (const [est, headroom] of HEADROOM) {
  test(`${est} pieces of work on 20 slots leave a headroom of ${headroom}`, () => {
    const availability = availabilityWith({ est })

    assertNear(availability.headroom, headroom)
    assertNear(availability.avail, headroom)
    assertNear(availability.u ?? Number.NaN, est / 20)
    assert.equal(availability.unloaded, 1)
  })
}

test('without slots there is no availability, however idle', () => {
  const { u, headroom, unloaded, avail } = availabilityWith({ slots: 0 })

  assert.deepEqual([u, headroom, unloaded, avail], [Number.POSITIVE_INFINITY, 0, 0, 0])
})

test('where slots are not counted headroom is whole', () => {
  const { u, headroom } = availabilityWith({ slots: undefined, est: 90 })

  assert.deepEqual([u, headroom], [undefined, 1])
})

const RAMPS: readonly [readyForMs: number, ramp: number][] = [
  [0, 0.1],
  [2_999, 0.1],
  [6_000, 0.2],
  [15_000, 0.5],
  [29_999, 0.999_966_666_667],
  [30_000, 1],
  [900_000, 1],
]

for (const [readyForMs, ramp] of RAMPS) {
  test(`${readyForMs} ms after it came back a region takes ${ramp} of its share`, () => {
    assertNear(availabilityWith({ readyForMs }).ramp, Number(ramp.toFixed(12)))
  })
}

test('a lane that accepts again has a ramp of 5 s, and the lower of two ramps holds', () => {
  assertNear(availabilityWith({ laneReadyForMs: 1_000 }).ramp, 0.2)
  assertNear(availabilityWith({ laneReadyForMs: 5_000 }).ramp, 1)
  assertNear(availabilityWith({ laneReadyForMs: 1_000, readyForMs: 15_000 }).ramp, 0.2)
  assertNear(availabilityWith({ laneReadyForMs: 4_000, readyForMs: 15_000 }).ramp, 0.5)
})

const HEALTH: Readonly<Record<RegionState, number>> = {
  healthy: 1,
  suspect: 0.5,
  down: 0,
  ejected: 0,
  probing: 0,
  draining: 0,
}

for (const [state, health] of Object.entries(HEALTH) as [RegionState, number][]) {
  test(`a region that is ${state} has a health of ${health}`, () => {
    assert.equal(availabilityWith({ state }).avail, health)
  })
}

test('an old report of a healthy region is the gateway’s own fault, and counts for half', () => {
  assert.equal(availabilityWith({ reportAgeMs: 3_000, est: 20 }).headroom, 0)
  assert.equal(availabilityWith({ reportAgeMs: 3_001, est: 20 }).headroom, 0.5)
  assert.equal(availabilityWith({ reportAgeMs: 3_001, est: 0 }).headroom, 0.5)
  assert.equal(availabilityWith({ reportAgeMs: 3_001, slots: 0 }).headroom, 0)
})

test('an old report of a suspect region is no surprise, and counts as it stands', () => {
  assert.equal(availabilityWith({ reportAgeMs: 60_000, state: 'suspect', est: 0 }).headroom, 1)
  assert.equal(availabilityWith({ reportAgeMs: 60_000, state: 'suspect', est: 20 }).headroom, 0)
})

test('the factors multiply, and each is told by its name', () => {
  const availability = availabilityWith({
    est: 18, // u = 0.9, headroom 0.5
    capacityScaler: 0.5,
    state: 'suspect', // 0.5
    readyForMs: 12_000, // 0.4
    degraded: 0.25,
  })

  assertNear(availability.headroom, 0.5)
  assertNear(availability.unloaded, 0.5 * 0.5 * 0.4 * 0.25)
  assertNear(availability.avail, 0.0125)
  assert.deepEqual(
    [availability.est, availability.capacityScaler, availability.health, availability.degraded],
    [18, 0.5, 0.5, 0.25],
  )
})

const DELTAS: readonly [sent: number, done: number, gateways: number, est: number][] = [
  [0, 0, 3, 10],
  [2, 0, 3, 16], // 7 + 3 + 3 × 2: the other two are taken to have done the same.
  [2, 1, 3, 13],
  [1, 4, 3, 10], // More ended than began: the report did not know yet, and never counts less.
  [2, 0, 1, 12],
  [2, 0, 0, 12], // No sign of any gateway, not even of this one: there is one at least.
]

for (const [sentSinceReport, doneSinceReport, gateways, est] of DELTAS) {
  const since = { sentSinceReport, doneSinceReport }
  test(`10 there, ${JSON.stringify(since)} and ${gateways} gateways are a load of ${est}`, () => {
    assert.equal(estimatedLoad({ busy: 7, queued: 3 }, since, gateways), est)
  })
}

const WORKERS: readonly [slots: number | undefined, healthy: number, total: number, h: number][] = [
  [20, 4, 4, 1],
  [20, 1, 4, 1], // 25 % is enough: the slots of the others are missing already.
  [20, 24, 100, 0],
  [20, 0, 0, 0],
  [undefined, 4, 4, 1],
  [undefined, 72, 100, 1], // 1.4 × 0.72 = 1.008
  [undefined, 50, 100, 0.7],
  [undefined, 0, 4, 0],
]

for (const [slots, healthy, total, factor] of WORKERS) {
  const counted = slots === undefined ? 'uncounted' : 'counted'
  test(`${healthy} of ${total} workers with ${counted} slots are a factor of ${factor}`, () => {
    assertNear(workersFactor({ slots, workers: { healthy, total } }, DECISION_DEFAULTS), factor)
  })
}

test('a lane is degraded by a reason or by publishing slowly, and the two count once', () => {
  assert.equal(degradedFactor(undefined, null, DECISION_DEFAULTS), 1)
  assert.equal(degradedFactor(undefined, 250, DECISION_DEFAULTS), 1)
  assert.equal(degradedFactor(undefined, 251, DECISION_DEFAULTS), 0.25)
  assert.equal(degradedFactor('disk-full', 3, DECISION_DEFAULTS), 0.25)
  assert.equal(degradedFactor('disk-full', 900, DECISION_DEFAULTS), 0.25)
})

test('slots within the bound stay as they are', () => {
  const { slots, excess } = boundedSlots({ cpu: 200, gpu: 56 }, 256)

  assert.deepEqual(
    [...slots],
    [
      ['cpu', 200],
      ['gpu', 56],
    ],
  )
  assert.equal(excess, 0)
})

test('slots beyond the bound are cut in each queue, and the excess is told', () => {
  const { slots, excess } = boundedSlots({ cpu: 1e9, gpu: 1e9 }, 256)

  assert.deepEqual(
    [...slots],
    [
      ['cpu', 128],
      ['gpu', 128],
    ],
  )
  assert.equal(excess, 2e9 - 256)
  assert.deepEqual([...boundedSlots({}, 256).slots], [])
})

test('availability stays in 0..1, and neither load nor trouble raises it (invariant 12)', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  const facts = fc.record({
    slots: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
    est: fc.integer({ min: 0, max: 400 }),
    workers: part,
    degraded: fc.constantFrom(0.25, 1),
    capacityScaler: part,
    state: fc.constantFrom<RegionState>('healthy', 'suspect', 'down', 'ejected', 'probing'),
    reportAgeMs: fc.constantFrom(0, 3_000),
    readyForMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
    laneReadyForMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(facts, fc.nat(50), (known, more) => {
      const { avail } = availabilityWith(known)

      assert.ok(avail >= 0 && avail <= 1)
      assert.ok(availabilityWith({ ...known, est: known.est + more }).avail <= avail)
      assert.ok(availabilityWith({ ...known, degraded: 0.25 }).avail <= avail)
      assert.ok(availabilityWith({ ...known, capacityScaler: 0 }).avail === 0)
    }),
  )
})
