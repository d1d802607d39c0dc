import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CityDatabase } from './database-problems.ts'
import type { GeoRecord } from './locate.ts'
import { createPlaceLookup } from './place-lookup.ts'

const RADII = { missingKm: 500, countryKm: 500, continentKm: 1_500, factor: 1 }
const FRANCE: GeoRecord = { networkBits: 24, isAnycast: false, countryIsoCode: 'FR' }

/** A lookup in a database that answers everything alike, with what it was asked. */
function lookupIn(answer: ReturnType<CityDatabase['find']>, cacheEntriesMax = 10) {
  const asked: string[] = []
  const database: CityDatabase = {
    databaseType: 'City',
    nodeCount: 1,
    buildEpochMs: 0,
    bytes: 1,
    find(address) {
      asked.push(address)
      return answer
    },
  }
  const counts = { hits: 0, misses: 0, unreadable: 0 }
  return {
    asked,
    counts,
    lookup: createPlaceLookup(database, { radii: RADII, cacheEntriesMax, counts }),
  }
}

test('a network is looked up once, and every address in it has the same place', () => {
  const { lookup, asked, counts } = lookupIn(FRANCE)

  const first = lookup.find([1, 2, 3, 4])
  const second = lookup.find([1, 2, 3, 5])

  assert.ok(typeof first === 'object' && first.countryIsoCode === 'FR')
  assert.equal(second, first)
  assert.deepEqual(asked, ['1.2.3.4'])
  assert.deepEqual(counts, { hits: 1, misses: 1, unreadable: 0 })
})

test('a small network is looked up for each of its addresses', () => {
  const { lookup, asked } = lookupIn({ ...FRANCE, networkBits: 30 })

  for (const last of [4, 5, 4, 5]) lookup.find([1, 2, 3, last])

  assert.deepEqual(asked, ['1.2.3.4', '1.2.3.5'])
})

for (const answer of ['not-found', 'unreadable'] as const) {
  test(`${answer} is remembered for the one address`, () => {
    const { lookup, asked, counts } = lookupIn(answer)

    assert.equal(lookup.find([1, 2, 3, 4]), answer)
    assert.equal(lookup.find([1, 2, 3, 4]), answer)
    assert.equal(lookup.find([1, 2, 3, 5]), answer)

    assert.deepEqual(asked, ['1.2.3.4', '1.2.3.5'])
    assert.equal(counts.unreadable, answer === 'unreadable' ? 2 : 0)
  })
}

test('a record that says nothing has no place, for its whole network', () => {
  const { lookup, asked } = lookupIn({ networkBits: 24, isAnycast: true })

  assert.equal(lookup.find([1, 2, 3, 4]), 'no-place')
  assert.equal(lookup.find([1, 2, 3, 5]), 'no-place')
  assert.equal(asked.length, 1)
})

test('the cache never holds more than it may', () => {
  const { lookup } = lookupIn({ ...FRANCE, networkBits: 32 }, 100)

  for (let n = 0; n < 1_000; n++) lookup.find([1, 2, n >> 8, n & 255])

  assert.equal(lookup.cacheEntries, 100)
})
