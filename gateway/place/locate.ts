// pure
import { continentCentroid, countryCentroid, type Location } from './centroids.ts'
import type { SpecialUse } from './special-addresses.ts'

/** What a location was taken from; `gateway` is where nothing is known of the client. */
export type PlaceSource = 'location' | 'country' | 'continent' | 'registered' | 'gateway'

/** Why nothing is known of a client. */
export type UnknownReason =
  | SpecialUse
  | 'unparsable'
  | 'no-database'
  | 'not-found'
  | 'unreadable' // The file is damaged where the record should be.
  | 'no-place' // The record says nothing that has a place, an anycast network for example.

/**
 * Where a client is. `accuracyRadiusKm` is the circle that holds it with 67 % confidence; it is
 * Infinity for the source `gateway`, which JSON writes as null. `countryIsoCode` is where the
 * address is believed to be, with the source `registered` where its block was registered.
 */
export interface Place {
  readonly source: PlaceSource
  readonly countryIsoCode?: string
  readonly continentCode?: string
  readonly location: Location
  readonly accuracyRadiusKm: number
  /** Present exactly with the source `gateway`. */
  readonly unknownReason?: UnknownReason
}

/** What a City database says of a network. */
export interface GeoRecord {
  /** Length of the network's prefix, in the family of the address that was looked up. */
  readonly networkBits: number
  readonly isAnycast: boolean
  readonly lat?: number | undefined
  readonly lon?: number | undefined
  readonly accuracyRadiusKm?: number | undefined
  readonly countryIsoCode?: string | undefined
  readonly continentCode?: string | undefined
  readonly registeredCountryIsoCode?: string | undefined
}

/** Radii in km where a record has none of its own. */
export interface PlaceRadii {
  readonly missingKm: number
  readonly countryKm: number
  readonly continentKm: number
  /** Multiplies every radius: 1, or more for data that has grown old. */
  readonly factor: number
}

/**
 * Turns a record into a place by the best that it has: location, country, continent, and the
 * country of registration last, because many networks are registered elsewhere than they are used.
 *
 * Coordinates of an anycast network are ignored, they describe one of many sites. A code without a
 * centroid is passed over. Returns `undefined` when nothing is left: the place is unknown.
 */
export function placeOf(record: GeoRecord, radii: PlaceRadii): Place | undefined {
  const { countryIsoCode, continentCode, registeredCountryIsoCode } = record
  const codes = {
    ...(countryIsoCode !== undefined && { countryIsoCode }),
    ...(continentCode !== undefined && { continentCode }),
  }
  const at = (source: PlaceSource, location: Location, radiusKm: number): Place => ({
    source,
    ...codes,
    location,
    accuracyRadiusKm: radiusKm * radii.factor,
  })

  const { lat = Number.NaN, lon = Number.NaN } = record
  if (!record.isAnycast && isSane({ lat, lon })) {
    return at('location', { lat, lon }, record.accuracyRadiusKm ?? radii.missingKm)
  }
  const country = centroidOf(countryIsoCode, countryCentroid)
  if (country !== undefined) return at('country', country, radii.countryKm)

  const continent = centroidOf(continentCode, continentCentroid)
  if (continent !== undefined) return at('continent', continent, radii.continentKm)

  const registered = centroidOf(registeredCountryIsoCode, countryCentroid)
  if (registered === undefined || registeredCountryIsoCode === undefined) return undefined
  const place = at('registered', registered, radii.continentKm)
  return { ...place, countryIsoCode: registeredCountryIsoCode }
}

function centroidOf(
  code: string | undefined,
  centroid: (code: string) => Location | undefined,
): Location | undefined {
  return code === undefined ? undefined : centroid(code)
}

/**
 * Tells whether coordinates can be meant. A file whose doubles are in the wrong byte order reads as
 * numbers next to zero; a strip of 11 km at the equator is given up to notice that.
 */
export function isSane({ lat, lon }: Location): boolean {
  return Math.abs(lat) > 0.1 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180
}

/** The place of a client of whom nothing is known: the gateway's own. */
export function gatewayPlace(location: Location, unknownReason: UnknownReason): Place {
  return {
    source: 'gateway',
    location,
    accuracyRadiusKm: Number.POSITIVE_INFINITY,
    unknownReason,
  }
}
