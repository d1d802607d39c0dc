import assert from 'node:assert/strict'
import { test } from 'node:test'
import { continentCentroid, countryCentroid } from './centroids.ts'
import { type GeoRecord, gatewayPlace, isSane, type PlaceRadii, placeOf } from './locate.ts'

const RADII: PlaceRadii = { missingKm: 500, countryKm: 501, continentKm: 1_500, factor: 1 }
const OLD: PlaceRadii = { ...RADII, factor: 2 }

function record(fields: Partial<GeoRecord>): GeoRecord {
  return { networkBits: 24, isAnycast: false, ...fields }
}

const LONDON = record({
  lat: 51.5142,
  lon: -0.0931,
  accuracyRadiusKm: 100,
  countryIsoCode: 'GB',
  continentCode: 'EU',
  registeredCountryIsoCode: 'US',
})

test('coordinates come first, with their own radius', () => {
  assert.deepEqual(placeOf(LONDON, RADII), {
    source: 'location',
    countryIsoCode: 'GB',
    continentCode: 'EU',
    location: { lat: 51.5142, lon: -0.0931 },
    accuracyRadiusKm: 100,
  })
})

test('coordinates without a radius have the default one', () => {
  assert.equal(
    placeOf({ ...LONDON, accuracyRadiusKm: undefined }, RADII)?.accuracyRadiusKm,
    RADII.missingKm,
  )
})

test('the coordinates of an anycast network are not believed, its country is', () => {
  const place = placeOf({ ...LONDON, isAnycast: true }, RADII)

  assert.equal(place?.source, 'country')
  assert.deepEqual(place?.location, countryCentroid('GB'))
  assert.equal(place?.accuracyRadiusKm, RADII.countryKm)
})

test('a network that is only anycast has no place', () => {
  assert.equal(placeOf(record({ isAnycast: true }), RADII), undefined)
})

for (const [lat, lon] of [
  [1.793727805708943e-52, 4.96e-91],
  [Number.NaN, 1],
  [91, 1],
  [50, 181],
  [50, Number.NaN],
] as const) {
  test(`coordinates ${lat}, ${lon} cannot be meant, and the country is taken`, () => {
    assert.equal(isSane({ lat, lon }), false)
    assert.equal(placeOf({ ...LONDON, lat, lon }, RADII)?.source, 'country')
  })
}

test('half a pair of coordinates is none', () => {
  assert.equal(placeOf({ ...LONDON, lon: undefined }, RADII)?.source, 'country')
})

test('without a country the continent is taken', () => {
  assert.deepEqual(
    placeOf(record({ continentCode: 'EU', registeredCountryIsoCode: 'US' }), RADII),
    {
      source: 'continent',
      continentCode: 'EU',
      location: continentCentroid('EU'),
      accuracyRadiusKm: RADII.continentKm,
    },
  )
})

test('the country of registration is taken when there is nothing else, and only then', () => {
  assert.deepEqual(placeOf(record({ registeredCountryIsoCode: 'AU' }), RADII), {
    source: 'registered',
    countryIsoCode: 'AU',
    location: countryCentroid('AU'),
    accuracyRadiusKm: RADII.continentKm,
  })
  assert.equal(
    placeOf(record({ countryIsoCode: 'GB', registeredCountryIsoCode: 'US' }), RADII)
      ?.countryIsoCode,
    'GB',
  )
})

test('a code without a centroid is passed over', () => {
  const unknownCountry = record({ countryIsoCode: 'QQ', continentCode: 'SA' })

  assert.equal(placeOf(unknownCountry, RADII)?.source, 'continent')
  assert.equal(placeOf({ ...unknownCountry, continentCode: 'QQ' }, RADII), undefined)
  assert.equal(placeOf(record({ registeredCountryIsoCode: 'QQ' }), RADII), undefined)
})

test('an empty record has no place', () => {
  assert.equal(placeOf(record({}), RADII), undefined)
})

test('old data have twice the radius, whatever the source', () => {
  assert.equal(placeOf(LONDON, OLD)?.accuracyRadiusKm, 200)
  assert.equal(placeOf(record({ countryIsoCode: 'GB' }), OLD)?.accuracyRadiusKm, 1_002)
  assert.equal(placeOf(record({ continentCode: 'EU' }), OLD)?.accuracyRadiusKm, 3_000)
  assert.equal(placeOf(record({ registeredCountryIsoCode: 'AU' }), OLD)?.accuracyRadiusKm, 3_000)
})

test('the place of the gateway has no limit to its radius, which JSON writes as null', () => {
  const place = gatewayPlace({ lat: 50, lon: 8 }, 'private')

  assert.equal(place.accuracyRadiusKm, Number.POSITIVE_INFINITY)
  assert.equal(
    JSON.stringify(place),
    '{"source":"gateway","location":{"lat":50,"lon":8},"accuracyRadiusKm":null,' +
      '"unknownReason":"private"}',
  )
})
