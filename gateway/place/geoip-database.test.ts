// Goal: the door reads a City database as its makers mean it, and survives every broken one.
// Method: MaxMind's own test files, of which the source is the oracle (geo-data/fixtures).

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CityDatabase } from './database-problems.ts'
import { openCityDatabase } from './geoip-database.ts'
import { type Place, placeOf } from './locate.ts'

const FIXTURES = join(import.meta.dirname, '../../geo-data/fixtures')
const RADII = { missingKm: 500, countryKm: 500, continentKm: 1_500, factor: 1 }

interface OracleRow {
  readonly network: string
  readonly country?: string
  readonly registered?: string
  readonly continent?: string
  readonly lat?: number
  readonly lon?: number
  readonly radiusKm?: number
  readonly anycast?: boolean
}

function opened(name: string): CityDatabase {
  const database = openCityDatabase(readFileSync(join(FIXTURES, `${name}.mmdb`)))
  assert.ok(database, name)
  return database
}

for (const [name, count] of [
  ['GeoIP2-City-Test', 251],
  ['GeoLite2-City-Test', 242],
] as const) {
  test(`all ${count} networks of ${name} are read as their source says`, () => {
    const database = opened(name)
    const rows = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as OracleRow[]

    assert.equal(rows.length, count)
    for (const { network, ...row } of rows) {
      const record = database.find(network.split('/')[0] ?? '')
      assert.ok(typeof record !== 'string', network)
      const { networkBits, ...fields } = record
      assert.deepEqual(
        fields,
        {
          isAnycast: row.anycast ?? false,
          lat: row.lat,
          lon: row.lon,
          accuracyRadiusKm: row.radiusKm,
          countryIsoCode: row.country,
          continentCode: row.continent,
          registeredCountryIsoCode: row.registered,
        },
        network,
      )
      // Neighbours with equal records become one network, and a part of one has its own record.
      assert.ok(networkBits >= 8 && networkBits <= (network.includes(':') ? 128 : 32), network)
    }
  })
}

test('metadata say type, nodes, age and size', () => {
  const { find, ...metadata } = opened('GeoIP2-City-Test')

  assert.deepEqual(metadata, {
    databaseType: 'GeoIP2-City',
    nodeCount: 1_547,
    buildEpochMs: Date.parse('2026-02-04T22:49:29Z'),
    bytes: 22_569,
  })
})

test('a network has the length of its prefix in the family that was asked for', () => {
  const database = opened('GeoIP2-City-Test')
  const bitsOf = (address: string) => {
    const record = database.find(address)
    return typeof record === 'string' ? record : record.networkBits
  }

  assert.equal(bitsOf('81.2.69.160'), 27)
  assert.equal(bitsOf('2001:218::1'), 32)
  assert.equal(bitsOf('2002:5102:45a0::1'), 43) // 6to4 of the first, 16 bits further on.
})

const PLACES: readonly [address: string, place: Partial<Place> | undefined][] = [
  // Located in one country, registered in another.
  ['81.2.69.160', { source: 'location', countryIsoCode: 'GB' }],
  ['89.160.20.112', { source: 'location', countryIsoCode: 'SE' }],
  ['67.43.156.0', { source: 'location', countryIsoCode: 'BT', accuracyRadiusKm: 534 }],
  ['216.160.83.56', { source: 'location', countryIsoCode: 'US' }],
  // In the Philippines, of a base that stands for the United States.
  ['202.196.224.0', { source: 'location', countryIsoCode: 'PH' }],
  // Only anycast; only a continent; coordinates and a continent without a country.
  ['214.1.1.0', undefined],
  ['2.3.3.0', { source: 'continent', continentCode: 'EU' }],
  ['2a02:d500::', { source: 'location', continentCode: 'EU' }],
]

for (const [address, expected] of PLACES) {
  test(`${address} is placed by ${expected?.source ?? 'nothing'}`, () => {
    const record = opened('GeoIP2-City-Test').find(address)
    assert.ok(typeof record !== 'string')
    const place = placeOf(record, RADII)

    assert.deepEqual({ ...place, ...expected }, { ...place })
    assert.equal(place === undefined, expected === undefined)
  })
}

test('an address that is not in the file is not found', () => {
  assert.equal(opened('GeoIP2-City-Test').find('10.0.0.1'), 'not-found')
})

test('damage that shows only on look-up is unreadable, and nothing is thrown', () => {
  const database = opened('GeoIP2-City-Test-Invalid-Node-Count')

  assert.equal(database.find('81.2.69.160'), 'unreadable')
})

test('doubles in the wrong byte order are read, and look insane', () => {
  const record = opened('GeoIP2-City-Test-Broken-Double-Format').find('81.2.69.160')

  assert.ok(typeof record !== 'string')
  assert.ok(Math.abs(record.lat ?? 1) < 1e-50)
  assert.equal(placeOf(record, RADII)?.source, 'country')
})

for (const name of readdirSync(join(FIXTURES, 'bad-data'))) {
  test(`${name} is refused or opens without a record, and nothing is thrown`, () => {
    const database = openCityDatabase(readFileSync(join(FIXTURES, 'bad-data', name)))

    assert.ok(database === undefined || typeof database.find('81.2.69.160') === 'string')
  })
}

test('bytes that are no database are none', () => {
  const sound = readFileSync(join(FIXTURES, 'GeoIP2-City-Test.mmdb'))

  assert.equal(openCityDatabase(Buffer.alloc(0)), undefined)
  assert.equal(openCityDatabase(Buffer.from('hello')), undefined)
  assert.equal(openCityDatabase(sound.subarray(0, sound.length / 2)), undefined)
})
