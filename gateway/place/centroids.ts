// pure
import centroids from '../../geo-data/centroids.json' with { type: 'json' }

/** A point in degrees: `lat` -90..90, `lon` -180..180. */
export interface Location {
  readonly lat: number
  readonly lon: number
}

const CONTINENTS = locationsOf(centroids.continents)
const COUNTRIES = locationsOf(centroids.countries)

/** The middle of a country by its ISO 3166 code, or XK; `undefined` for a code that is none. */
export function countryCentroid(countryIsoCode: string): Location | undefined {
  return COUNTRIES.get(countryIsoCode)
}

/** The middle of a continent by MaxMind's code, as in EU; `undefined` for a code that is none. */
export function continentCentroid(continentCode: string): Location | undefined {
  return CONTINENTS.get(continentCode)
}

function locationsOf(
  table: Readonly<Record<string, readonly number[]>>,
): ReadonlyMap<string, Location> {
  return new Map(Object.entries(table).map(([code, [lat = 0, lon = 0]]) => [code, { lat, lon }]))
}
