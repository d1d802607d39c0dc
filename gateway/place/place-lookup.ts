// pure
import { formatIpAddress, type IpBytes } from '../downstream/ip-address.ts'
import type { CityDatabase } from './database-problems.ts'
import { type Place, type PlaceRadii, placeOf, type UnknownReason } from './locate.ts'
import { createNetworkCache } from './network-cache.ts'

/** Finds the place of a public address, or why it has none. */
export interface PlaceLookup {
  find(address: IpBytes): Place | UnknownReason
  readonly cacheEntries: number
}

/** How look-ups went, for as long as the process lives. */
export interface LookupCounts {
  hits: number
  misses: number
  /** Look-ups that met damage in the file. */
  unreadable: number
}

/**
 * Joins a database with a cache of its own: the two are made and dropped together, so what was
 * found in one file is never given out for another. What has no place is remembered too. Adds to
 * `counts`.
 */
export function createPlaceLookup(
  database: CityDatabase,
  options: { radii: PlaceRadii; cacheEntriesMax: number; counts: LookupCounts },
): PlaceLookup {
  const { radii, cacheEntriesMax, counts } = options
  const cache = createNetworkCache<Place | UnknownReason>(cacheEntriesMax)

  function lookUp(address: IpBytes): Place | UnknownReason {
    const record = database.find(formatIpAddress(address))
    if (typeof record === 'string') {
      if (record === 'unreadable') counts.unreadable += 1
      cache.set(address, address.length * 8, record)
      return record
    }
    const found = placeOf(record, radii) ?? 'no-place'
    cache.set(address, record.networkBits, found)
    return found
  }

  return {
    find(address) {
      const cached = cache.get(address)
      if (cached === undefined) {
        counts.misses += 1
        return lookUp(address)
      }
      counts.hits += 1
      return cached
    },
    get cacheEntries() {
      return cache.size
    },
  }
}
