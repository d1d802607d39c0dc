import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CityDatabase, databaseProblems } from './database-problems.ts'
import type { GeoRecord } from './locate.ts'

const DAY_MS = 86_400_000
const CANARIES = [{ address: '81.2.69.160', countryIsoCode: 'GB' }]
const IN_USE = { buildEpochMs: 100 * DAY_MS, bytes: 1_000 }
const LONDON: GeoRecord = {
  networkBits: 27,
  isAnycast: false,
  lat: 51.5,
  lon: -0.1,
  countryIsoCode: 'GB',
}

function database(
  fields: Partial<CityDatabase>,
  answer: ReturnType<CityDatabase['find']> = LONDON,
): CityDatabase {
  return {
    databaseType: 'GeoLite2-City',
    nodeCount: 1_000,
    buildEpochMs: IN_USE.buildEpochMs,
    bytes: 1_000,
    find: () => answer,
    ...fields,
  }
}

test('a database as old and as large as the one in use has no problems', () => {
  assert.deepEqual(databaseProblems(database({}), CANARIES, IN_USE), [])
})

test('half the size is enough', () => {
  assert.deepEqual(databaseProblems(database({ bytes: 500 }), CANARIES, IN_USE), [])
})

test('a first database is compared with none', () => {
  const old = database({ buildEpochMs: 0, bytes: 1 })

  assert.deepEqual(databaseProblems(old, CANARIES, undefined), [])
})

const PROBLEMS: readonly [fields: Partial<CityDatabase>, problem: string][] = [
  [{ databaseType: 'GeoLite2-Country' }, 'its type is "GeoLite2-Country", want City'],
  [{ databaseType: 'City-Blocks' }, 'its type is "City-Blocks", want City'],
  [{ nodeCount: 0 }, 'it has 0 nodes'],
  [{ buildEpochMs: Number.NaN }, 'it has no time of build'],
  [{ buildEpochMs: 99 * DAY_MS }, 'it is older than the one in use, by 1 d'],
  [{ bytes: 499 }, 'it has 499 bytes, less than half of the one in use'],
]

for (const [fields, problem] of PROBLEMS) {
  test(`a database of which ${problem} is refused`, () => {
    assert.deepEqual(databaseProblems(database(fields), CANARIES, IN_USE), [problem])
  })
}

const ANSWERS: readonly [answer: ReturnType<CityDatabase['find']>, problem: string][] = [
  ['not-found', '81.2.69.160 is not-found, want GB'],
  ['unreadable', '81.2.69.160 is unreadable, want GB'],
  [{ ...LONDON, countryIsoCode: 'US' }, '81.2.69.160 is in US, want GB'],
  [{ ...LONDON, countryIsoCode: undefined }, '81.2.69.160 is in no country, want GB'],
  [{ ...LONDON, lat: 1.8e-52 }, '81.2.69.160 is at 1.8e-52, -0.1, want its coordinates'],
  [{ ...LONDON, lat: undefined }, '81.2.69.160 is at NaN, -0.1, want its coordinates'],
]

for (const [answer, problem] of ANSWERS) {
  test(`a database in which ${problem} is refused`, () => {
    assert.deepEqual(databaseProblems(database({}, answer), CANARIES, IN_USE), [problem])
  })
}

test('all problems are named at once', () => {
  const bad = database({ nodeCount: 0, bytes: 1, buildEpochMs: 0 }, 'unreadable')

  assert.equal(databaseProblems(bad, CANARIES, IN_USE).length, 4)
})
