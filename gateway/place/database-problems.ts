// pure
import { type GeoRecord, isSane } from './locate.ts'

const DAY_MS = 86_400_000

/** A City database that could be opened; whether it can be believed is another question. */
export interface CityDatabase {
  readonly databaseType: string
  readonly nodeCount: number
  /** When its data were built; NaN where the file has no sensible time. */
  readonly buildEpochMs: number
  /** Length of the file, unpacked. */
  readonly bytes: number
  /** Looks up an address in canonical text. Never throws: `unreadable` is damage in the file. */
  find(address: string): GeoRecord | 'not-found' | 'unreadable'
}

/** An address whose country is known and has not changed for years. */
export interface Canary {
  readonly address: string
  readonly countryIsoCode: string
}

/**
 * Lists why a database must not take the place of the one in use; none is a good database.
 *
 * Opening proves little: a file cut in the middle of its data opens, and so does one whose doubles
 * were written in the wrong byte order. Therefore addresses with a known country are looked up.
 * Without a database in use the two comparisons with it are left out.
 */
export function databaseProblems(
  candidate: CityDatabase,
  canaries: readonly Canary[],
  inUse: Pick<CityDatabase, 'buildEpochMs' | 'bytes'> | undefined,
): readonly string[] {
  const { databaseType, nodeCount, buildEpochMs, bytes } = candidate
  // Looking up in a database of another type throws, so what follows would only repeat it.
  if (!databaseType.endsWith('City'))
    return [`its type is ${JSON.stringify(databaseType)}, want City`]
  const problems: string[] = []
  if (!(nodeCount > 0)) problems.push(`it has ${nodeCount} nodes`)
  if (Number.isNaN(buildEpochMs)) problems.push('it has no time of build')
  if (inUse !== undefined && buildEpochMs < inUse.buildEpochMs) {
    const days = Math.ceil((inUse.buildEpochMs - buildEpochMs) / DAY_MS)
    problems.push(`it is older than the one in use, by ${days} d`)
  }
  if (inUse !== undefined && bytes < inUse.bytes / 2) {
    problems.push(`it has ${bytes} bytes, less than half of the one in use`)
  }
  return [...problems, ...canaries.flatMap((canary) => canaryProblems(candidate, canary))]
}

function canaryProblems(candidate: CityDatabase, { address, countryIsoCode }: Canary): string[] {
  const record = candidate.find(address)
  if (typeof record === 'string') return [`${address} is ${record}, want ${countryIsoCode}`]
  if (record.countryIsoCode !== countryIsoCode) {
    return [`${address} is in ${record.countryIsoCode ?? 'no country'}, want ${countryIsoCode}`]
  }
  const { lat = Number.NaN, lon = Number.NaN } = record
  return isSane({ lat, lon }) ? [] : [`${address} is at ${lat}, ${lon}, want its coordinates`]
}
