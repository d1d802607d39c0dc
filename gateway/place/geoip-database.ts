// The door of @maxmind/geoip2-node: bytes of a City database in, our words out. What the package
// does not say is learned here once: a look-up costs about 40 µs (it renames every field of the
// record, which is why results are cached), a damaged file opens and throws later, and the file's
// metadata have no public way out.

import { AddressNotFoundError, type City, Reader } from '@maxmind/geoip2-node'
import type { CityDatabase } from './database-problems.ts'
import type { GeoRecord } from './locate.ts'

/** Opens a database. Returns `undefined` for bytes that are none; never throws. */
export function openCityDatabase(bytes: Buffer): CityDatabase | undefined {
  const reader = openReader(bytes)
  const metadata = reader === undefined ? undefined : decodeMetadata(reader)
  if (reader === undefined || metadata === undefined) return undefined
  return {
    ...metadata,
    bytes: bytes.length,
    find(address) {
      try {
        return decodeRecord(reader.city(address))
      } catch (error) {
        return error instanceof AddressNotFoundError ? 'not-found' : 'unreadable'
      }
    },
  }
}

type CityReader = ReturnType<typeof Reader.openBuffer>

function openReader(bytes: Buffer): CityReader | undefined {
  try {
    return Reader.openBuffer(bytes)
  } catch {
    return undefined // Nothing but damage makes it throw, and its texts name offsets only.
  }
}

/** The package keeps the reader of the file private, and with it type, size and age. */
function decodeMetadata(
  reader: CityReader,
): Pick<CityDatabase, 'databaseType' | 'nodeCount' | 'buildEpochMs'> | undefined {
  const file = Reflect.get(reader, 'mmdbReader') as
    | { metadata?: Record<string, unknown> }
    | undefined
  const { databaseType, nodeCount, buildEpoch } = file?.metadata ?? {}
  if (typeof databaseType !== 'string' || typeof nodeCount !== 'number') return undefined
  return {
    databaseType,
    nodeCount,
    buildEpochMs: buildEpoch instanceof Date ? buildEpoch.getTime() : Number.NaN,
  }
}

/** Takes over only what has the right type: a damaged file can hold anything anywhere. */
function decodeRecord({
  country,
  continent,
  registeredCountry,
  location,
  traits,
}: City): GeoRecord {
  const { network = '' } = traits
  return {
    networkBits: Number(network.slice(network.lastIndexOf('/') + 1)),
    isAnycast: traits.isAnycast,
    lat: numberOf(location?.latitude),
    lon: numberOf(location?.longitude),
    accuracyRadiusKm: numberOf(location?.accuracyRadius),
    countryIsoCode: textOf(country?.isoCode),
    continentCode: textOf(continent?.code),
    registeredCountryIsoCode: textOf(registeredCountry?.isoCode),
  }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
