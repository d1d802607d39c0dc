import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pickRegion, type RegionOffer, sharesOf } from './waterfall.ts'

function offersOf(...availabilities: readonly number[]): RegionOffer[] {
  return availabilities.map((availability, at) => ({ regionId: `r${at}`, availability }))
}

/** Shares in percent with one digit, as the table has them. */
function percentOf(offers: readonly RegionOffer[]): number[] {
  return sharesOf(offers).map((share) => Math.round(share * 1_000) / 10)
}

// Healthy percentage of each level, what Envoy makes of it, and the exact result.
const ENVOY: readonly [healthy: number[], envoy: number[], exact: number[]][] = [
  [
    [100, 100],
    [100, 0],
    [100, 0],
  ],
  [
    [72, 100],
    [100, 0],
    [100, 0],
  ],
  [
    [72, 72],
    [100, 0],
    [100, 0],
  ],
  [
    [71, 100],
    [99, 1],
    [99.4, 0.6],
  ],
  [
    [71, 71],
    [99, 1],
    [99.4, 0.6],
  ],
  [
    [50, 100],
    [70, 30],
    [70, 30],
  ],
  [
    [50, 50],
    [70, 30],
    [70, 30],
  ],
  [
    [25, 100],
    [35, 65],
    [35, 65],
  ],
  [
    [0, 100],
    [0, 100],
    [0, 100],
  ],
  [
    [25, 25],
    [50, 50],
    [50, 50],
  ],
  [
    [100, 100, 100],
    [100, 0, 0],
    [100, 0, 0],
  ],
  [
    [72, 72, 100],
    [100, 0, 0],
    [100, 0, 0],
  ],
  [
    [71, 71, 100],
    [99, 1, 0],
    [99.4, 0.6, 0],
  ],
  [
    [50, 50, 100],
    [70, 30, 0],
    [70, 30, 0],
  ],
  [
    [25, 100, 100],
    [35, 65, 0],
    [35, 65, 0],
  ],
  [
    [25, 25, 100],
    [35, 35, 30],
    [35, 35, 30],
  ],
  [
    [25, 25, 20],
    [36, 36, 28],
    [35.7, 35.7, 28.6],
  ],
]

for (const [healthy, envoy, exact] of ENVOY) {
  test(`levels of ${healthy.join(' / ')} % health share ${exact.join(' / ')} %`, () => {
    const percent = percentOf(offersOf(...healthy.map((part) => Math.min(1, 1.4 * (part / 100)))))

    assert.deepEqual(percent, exact)
    for (const [at, share] of percent.entries()) assert.ok(Math.abs(share - (envoy[at] ?? -9)) <= 1)
  })
}

test('availability that does not suffice is stretched: 0.2 and 0.3 share 40 and 60 %', () => {
  assert.deepEqual(percentOf(offersOf(0.2, 0.3)), [40, 60])
})

test('without any availability nobody is picked and nobody has a share', () => {
  assert.equal(pickRegion([], 0), undefined)
  assert.equal(pickRegion(offersOf(0, 0), 0.5), undefined)
  assert.deepEqual(sharesOf([]), [])
  assert.deepEqual(sharesOf(offersOf(0, 0)), [0, 0])
})

const PICKS: readonly [x: number, regionId: string][] = [
  [0, 'r1'],
  [0.349, 'r1'],
  [0.351, 'r2'],
  [0.699, 'r2'],
  [0.701, 'r4'],
  [0.999_999, 'r4'],
]

for (const [x, regionId] of PICKS) {
  test(`of shares 0 / 35 / 35 / 0 / 30 %, ${x} picks ${regionId}`, () => {
    assert.equal(pickRegion(offersOf(0, 0.35, 0.35, 0, 1), x), regionId)
  })
}

test('the last share takes what rounding left over, and a region without one never does', () => {
  // In floating point the three shares sum to a hair less than 1.
  const offers = offersOf(0.1, 0.2, 0.3, 0)

  assert.equal(pickRegion(offers, 1 - Number.EPSILON / 2), 'r2')
})

const availability = fc.oneof(
  fc.constantFrom(0, 1, 0.1, 1e-9),
  fc.double({ min: 0, max: 1, noNaN: true }),
)
const availabilities = fc.array(availability, { minLength: 1, maxLength: 50 })
const draw = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const ROUNDING = 1e-9

test('shares are ≥ 0 and sum to 1, none is for a region that cannot serve (invariant 1)', () => {
  fc.assert(
    fc.property(availabilities, draw, (parts, x) => {
      const offers = offersOf(...parts)
      const shares = sharesOf(offers)
      const sum = shares.reduce((total, share) => total + share, 0)
      const canAny = parts.some((part) => part > 0)

      assert.ok(Math.abs(sum - (canAny ? 1 : 0)) < ROUNDING)
      for (const [at, share] of shares.entries()) {
        assert.ok(share >= 0 && (share === 0 || (parts[at] ?? 0) > 0))
      }
      if (parts[0] === 1) assert.equal(shares[0], 1)
      const picked = Number(pickRegion(offers, x)?.slice(1))
      assert.equal(Number.isNaN(picked), !canAny)
      if (canAny) assert.ok((shares[picked] ?? 0) > 0)
    }),
  )
})

function boundariesOf(parts: readonly number[]): number[] {
  let upTo = 0
  return sharesOf(offersOf(...parts)).map((share) => {
    upTo += share
    return upTo
  })
}

test('only what lies between an old and a new boundary moves (invariant 9)', () => {
  const twoWorlds = fc
    .integer({ min: 1, max: 20 })
    .chain((length) =>
      fc.tuple(
        fc.array(availability, { minLength: length, maxLength: length }),
        fc.array(availability, { minLength: length, maxLength: length }),
      ),
    )
  fc.assert(
    fc.property(twoWorlds, draw, ([before, after], x) => {
      const from = pickRegion(offersOf(...before), x)
      const to = pickRegion(offersOf(...after), x)

      assert.equal(pickRegion(offersOf(...before), x), from)
      if (from === to) return
      const newBoundaries = boundariesOf(after)
      const hasCrossed = boundariesOf(before).some((old, at) => {
        const fresh = newBoundaries[at] ?? 0
        return Math.min(old, fresh) <= x + ROUNDING && x < Math.max(old, fresh) + ROUNDING
      })
      assert.ok(hasCrossed || boundariesOf(before).at(-1) === 0 || newBoundaries.at(-1) === 0)
    }),
  )
})

test('more availability never lowers a share, nor does a better rank (invariant 12)', () => {
  fc.assert(
    fc.property(availabilities, fc.nat(), availability, (parts, seed, more) => {
      const at = seed % parts.length
      const shareWith = (list: readonly number[], index: number): number =>
        sharesOf(offersOf(...list))[index] ?? 0
      const own = parts[at] ?? 0
      const before = shareWith(parts, at)

      assert.ok(shareWith(parts.with(at, Math.max(own, more)), at) >= before - ROUNDING)
      const ahead = [own, ...parts.toSpliced(at, 1)]
      assert.ok(shareWith(ahead, 0) >= before - ROUNDING)
    }),
  )
})
