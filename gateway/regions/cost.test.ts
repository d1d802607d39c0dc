import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bandMs, type CostFacts, type CostOptions, haversineKm, orderByCost } from './cost.ts'

const US = { id: 'us', lat: 40.7128, lon: -74.006, bias: 0 }
const EU = { id: 'eu', lat: 50.1109, lon: 8.6821, bias: 0 }
const AP = { id: 'ap', lat: 1.3521, lon: 103.8198, bias: 0 }
const REGIONS = [US, EU, AP]
const BY_DISTANCE: CostOptions = { proximity: 'client', rttStaleMs: 3_000 }
const BY_ROUND_TRIP: CostOptions = { proximity: 'edge', rttStaleMs: 3_000 }
const LONDON = { location: { lat: 51.5142, lon: -0.0931 }, accuracyRadiusKm: 20 }

function facts(byRegion: Readonly<Record<string, CostFacts>> = {}): ReadonlyMap<string, CostFacts> {
  return new Map(Object.entries(byRegion))
}

/** Facts by which the regions tie-break in the given order. */
function preferring(...regionIds: string[]): ReadonlyMap<string, CostFacts> {
  return new Map(regionIds.map((id, at) => [id, { rttEwmaMs: at + 1 }]))
}

// Groups in the order of the page: regions in braces there share a number here.
const TABLE: readonly {
  client: string
  at: [lat: number, lon: number]
  radiusKm: number
  apBias?: number
  costMs: Readonly<Record<string, number>>
  groups: Readonly<Record<string, number>>
}[] = [
  {
    client: 'London',
    at: [51.5142, -0.0931],
    radiusKm: 20,
    costMs: { us: 111.45, eu: 12.71, ap: 216.91 },
    groups: { eu: 0, us: 1, ap: 2 },
  },
  {
    client: 'Karachi',
    at: [24.86, 67.01],
    radiusKm: 20,
    costMs: { us: 233.72, eu: 113.62, ap: 94.73 },
    groups: { ap: 0, eu: 1, us: 2 },
  },
  {
    client: 'Kabul',
    at: [34.53, 69.17],
    radiusKm: 50,
    costMs: { us: 216.78, eu: 102.21, ap: 102.96 },
    groups: { eu: 0, ap: 0, us: 1 },
  },
  {
    client: 'Sydney',
    at: [-33.8688, 151.2093],
    radiusKm: 500,
    costMs: { us: 319.78, eu: 329.66, ap: 126.13 },
    groups: { ap: 0, us: 1, eu: 1 },
  },
  {
    client: 'Dubai, where Singapore attracts by 25 %,',
    at: [25.2048, 55.2708],
    radiusKm: 20,
    apBias: 25,
    costMs: { us: 220.16, eu: 96.71, ap: 87.56 },
    groups: { ap: 0, eu: 1, us: 2 },
  },
  {
    client: 'Dubai',
    at: [25.2048, 55.2708],
    radiusKm: 20,
    costMs: { us: 220.16, eu: 96.71, ap: 116.74 },
    groups: { eu: 0, ap: 1, us: 2 },
  },
]

for (const { client, at, radiusKm, apBias = 0, costMs, groups } of TABLE) {
  test(`a client in ${client} has the costs and groups of the table`, () => {
    const [lat, lon] = at
    const place = { location: { lat, lon }, accuracyRadiusKm: radiusKm }
    const order = orderByCost(place, [US, EU, { ...AP, bias: apBias }], facts(), BY_DISTANCE)

    for (const { regionId, ...region } of order) {
      assert.equal(region.costMs.toFixed(2), costMs[regionId]?.toFixed(2))
      assert.equal(region.group, groups[regionId])
    }
    assert.equal(order.length, 3)
  })
}

test('within a group the tie score decides, and between groups nothing but cost', () => {
  const kabul = { location: { lat: 34.53, lon: 69.17 }, accuracyRadiusKm: 50 }
  const idsFor = (known: ReadonlyMap<string, CostFacts>) =>
    orderByCost(kabul, REGIONS, known, BY_DISTANCE).map(({ regionId }) => regionId)

  assert.deepEqual(idsFor(preferring('us', 'ap', 'eu')), ['ap', 'eu', 'us'])
  assert.deepEqual(idsFor(preferring('us', 'eu', 'ap')), ['eu', 'ap', 'us'])
})

test('a published tie score stands in for round trip and wait', () => {
  const kabul = { location: { lat: 34.53, lon: 69.17 }, accuracyRadiusKm: 50 }
  const known = facts({
    eu: { rttEwmaMs: 5, waitMs: 0, tieScore: 90 },
    ap: { rttEwmaMs: 40, waitMs: 10 },
  })

  const [first, second] = orderByCost(kabul, REGIONS, known, BY_DISTANCE)

  assert.deepEqual([first?.regionId, first?.tieScore], ['ap', 50])
  assert.deepEqual([second?.regionId, second?.tieScore], ['eu', 90])
})

test('a region that was never probed comes last in its group, and several by their cost', () => {
  const kabul = { location: { lat: 34.53, lon: 69.17 }, accuracyRadiusKm: 50 }
  const apAlone = orderByCost(kabul, REGIONS, facts({ ap: { rttEwmaMs: 300 } }), BY_DISTANCE)
  const none = orderByCost(kabul, REGIONS, facts(), BY_DISTANCE)

  assert.deepEqual(
    apAlone.map(({ regionId }) => regionId),
    ['ap', 'eu', 'us'],
  )
  assert.deepEqual(
    none.map(({ regionId, tieScore }) => [regionId, tieScore]),
    [
      ['eu', Number.POSITIVE_INFINITY],
      ['ap', Number.POSITIVE_INFINITY],
      ['us', Number.POSITIVE_INFINITY],
    ],
  )
})

test('regions of equal cost and tie score keep the order of the file', () => {
  const twins = [
    { ...EU, id: 'second' },
    { ...EU, id: 'first' },
    { ...EU, id: 'third' },
  ]
  const order = orderByCost(LONDON, twins, facts(), BY_DISTANCE)

  assert.deepEqual(
    order.map(({ regionId, group }) => [regionId, group]),
    [
      ['second', 0],
      ['first', 0],
      ['third', 0],
    ],
  )
})

test('groups do not chain: a region is compared with the cheapest of its group', () => {
  // Half a millisecond, 25 km, lies between neighbours; the band of 50 km radius is one.
  const place = { location: { lat: 10, lon: 0 }, accuracyRadiusKm: 50 }
  const north = (id: string, km: number) => ({ id, lat: 10 + km / 111.195, lon: 0, bias: 0 })
  const regions = [north('a', 0), north('b', 25), north('c', 49), north('d', 75), north('e', 100)]

  assert.deepEqual(
    orderByCost(place, regions, facts(), BY_DISTANCE).map(({ regionId, group }) => [
      regionId,
      group,
    ]),
    [
      ['a', 0],
      ['b', 0],
      ['c', 0],
      ['d', 1],
      ['e', 1],
    ],
  )
})

test('an unknown place has the widest band, and a far circle none wider', () => {
  assert.equal(bandMs(Number.POSITIVE_INFINITY, 'client'), 10)
  assert.equal(bandMs(3_000, 'client'), 10)
  assert.equal(bandMs(500, 'client'), 10)
  assert.equal(bandMs(50, 'client'), 1)
  assert.equal(bandMs(0, 'client'), 0)
  assert.equal(bandMs(20, 'edge'), 10)
})

test('by round trip the nearest to the gateway is cheapest, wherever the client is', () => {
  const known = facts({
    us: { rttEwmaMs: 12, rttAgeMs: 900 },
    eu: { rttEwmaMs: 95, rttAgeMs: 900 },
    ap: { rttEwmaMs: 230, rttAgeMs: 900 },
  })

  assert.deepEqual(
    orderByCost(LONDON, REGIONS, known, BY_ROUND_TRIP).map(({ regionId, costMs, rttMs }) => [
      regionId,
      costMs,
      rttMs,
    ]),
    [
      ['us', 12, 12],
      ['eu', 95, 95],
      ['ap', 230, 230],
    ],
  )
})

test('by round trip distance takes the place of one that is missing or older than 3 s', () => {
  const known = facts({
    us: { rttEwmaMs: 12, rttAgeMs: 3_001 },
    eu: { rttEwmaMs: 95, rttAgeMs: 3_000 },
  })

  const costs = Object.fromEntries(
    orderByCost(LONDON, REGIONS, known, BY_ROUND_TRIP).map((region) => [region.regionId, region]),
  )

  assert.equal(costs.us?.costMs.toFixed(2), '111.45')
  assert.equal(costs.us?.rttMs, undefined)
  assert.equal(costs.eu?.costMs, 95)
  assert.equal(costs.ap?.costMs.toFixed(2), '216.91')
})

test('no regions have no order', () => {
  assert.deepEqual(orderByCost(LONDON, [], facts(), BY_DISTANCE), [])
})

const KM: readonly [name: string, from: [number, number], to: [number, number], km: number][] = [
  ['a quarter of a meridian', [0, 0], [90, 0], 10_007.557],
  ['half the equator', [0, 0], [0, 180], 20_015.115],
  ['a step over the date line', [0, 179.5], [0, -179.5], 111.195],
  ['no step', [51.5, -0.1], [51.5, -0.1], 0],
  ['one metre', [0, 0], [0.000_009, 0], 0.001],
  [
    'antipodes that rounding could drive beyond 1',
    [40.7128, -74.006],
    [-40.7128, 105.994],
    20_015.115,
  ],
]

for (const [name, [lat, lon], [otherLat, otherLon], km] of KM) {
  test(`${name} is ${km} km`, () => {
    const distanceKm = haversineKm({ lat, lon }, { lat: otherLat, lon: otherLon })

    assert.ok(Math.abs(distanceKm - km) < 0.001, `${distanceKm}`)
  })
}

const latitude = fc.double({ min: -90, max: 90, noNaN: true })
const longitude = fc.double({ min: -180, max: 180, noNaN: true })
const point = fc.record({ lat: latitude, lon: longitude })

test('a distance is the same both ways, and no detour is shorter', () => {
  fc.assert(
    fc.property(point, point, point, (a, b, c) => {
      assert.ok(Math.abs(haversineKm(a, b) - haversineKm(b, a)) < 1e-6)
      assert.ok(haversineKm(a, c) <= haversineKm(a, b) + haversineKm(b, c) + 1e-3)
      assert.ok(haversineKm(a, b) <= 20_015.2)
    }),
  )
})

const anyFacts = fc.record(
  {
    rttEwmaMs: fc.double({ min: 0, max: 500, noNaN: true }),
    rttAgeMs: fc.double({ min: 0, max: 6_000, noNaN: true }),
    waitMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
  },
  { requiredKeys: [] },
)
const ROUNDING_MS = 1e-9
const situation = fc.record({
  place: fc.record({
    location: point,
    accuracyRadiusKm: fc.constantFrom(0, 20, 500, Number.POSITIVE_INFINITY),
  }),
  sites: fc.array(
    fc.record({ at: point, bias: fc.integer({ min: -90, max: 90 }), facts: anyFacts }),
    { minLength: 1, maxLength: 30 },
  ),
  proximity: fc.constantFrom<CostOptions['proximity']>('client', 'edge'),
})

test('every region is ranked once: groups by cost and no wider than the band, then ties', () => {
  fc.assert(
    fc.property(situation, ({ place, sites, proximity }) => {
      const regions = sites.map(({ at, bias }, index) => ({ id: `r${index}`, bias, ...at }))
      const known = new Map(sites.map((site, index) => [`r${index}`, site.facts]))
      const order = orderByCost(place, regions, known, { proximity, rttStaleMs: 3_000 })
      const band = bandMs(place.accuracyRadiusKm, proximity)

      assert.deepEqual(new Set(order.map(({ regionId }) => regionId)).size, regions.length)
      const groups = Object.values(Object.groupBy(order, ({ group }) => group))
      assert.deepEqual(
        groups.flatMap((group) => group ?? []),
        order,
      )
      let lastMs = Number.NEGATIVE_INFINITY
      for (const group of groups) {
        const costs = (group ?? []).map(({ costMs }) => costMs)
        const ties = (group ?? []).map(({ tieScore }) => tieScore)
        assert.ok(Math.min(...costs) > lastMs + band - ROUNDING_MS)
        assert.ok(Math.max(...costs) <= Math.min(...costs) + band + ROUNDING_MS)
        assert.deepEqual(
          ties,
          ties.toSorted((a, b) => (a < b ? -1 : 1)),
        )
        lastMs = Math.min(...costs)
      }
    }),
  )
})
