// The database in use and its replacement. The file is looked at when its folder changes and every
// minute besides; what is found is examined whole before one reference is swapped, so no look-up
// sees half of two. geoip2-node's `watchForUpdates` is not used: a half-written file ends the
// process there.

import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import canaries from '../../geo-data/canaries.json' with { type: 'json' }
import { type Cidr, parseIpAddress } from '../downstream/ip-address.ts'
import type { Location } from './centroids.ts'
import { fileVersion, readDatabaseFile } from './database-file.ts'
import { type Canary, type CityDatabase, databaseProblems } from './database-problems.ts'
import { openCityDatabase } from './geoip-database.ts'
import { gatewayPlace, type Place } from './locate.ts'
import { createPlaceLookup, type LookupCounts, type PlaceLookup } from './place-lookup.ts'
import { carriedAddress, specialUseOf, WELL_KNOWN_NAT64 } from './special-addresses.ts'

export interface GeoipOptions {
  /** A City database, packed with gzip or not. It may appear, change and vanish at any time. */
  readonly path: string
  /** Where the gateway is now: the place of every client of whom nothing is known. */
  readonly gatewayLocation: () => Location
  readonly onEvent: (event: GeoipEvent) => void
  readonly canaries: readonly Canary[]
  /** Prefixes of 96 bits whose last 32 are an IPv4 address. */
  readonly nat64: readonly Cidr[]
  readonly cacheEntriesMax: number
  /** Bounds the file as it is, and unpacked. */
  readonly databaseBytesMax: number
  readonly statEveryMs: number
  /** A changed file is examined once it has kept still for this long. */
  readonly settleMs: number
  /** From this age on data are `aging`, which is for the operator to know. */
  readonly agingMs: number
  /** From this age on they are `old`, and every radius is doubled. */
  readonly oldMs: number
  readonly missingRadiusKm: number
  readonly countryRadiusKm: number
  readonly continentRadiusKm: number
  /** The wall clock, by which the age of data is measured. */
  readonly now: () => number
}

const DAY_MS = 86_400_000

/** What `openGeoip` takes for what it is not told. */
export const GEOIP_DEFAULTS: Omit<GeoipOptions, 'path' | 'gatewayLocation'> = {
  onEvent: () => {},
  canaries,
  nat64: [WELL_KNOWN_NAT64],
  cacheEntriesMax: 65_536, // About 20 MB when full.
  databaseBytesMax: 512 * 1024 * 1024, // GeoLite2 City has 66 MB, the paid edition twice that.
  statEveryMs: 60_000,
  settleMs: 250,
  agingMs: 14 * DAY_MS,
  oldMs: 30 * DAY_MS,
  missingRadiusKm: 500,
  countryRadiusKm: 500,
  continentRadiusKm: 1_500,
  now: Date.now,
}

export type DataAge = 'fresh' | 'aging' | 'old'

/** The database that answers now. */
export interface DatabaseInUse {
  readonly databaseType: string
  readonly buildEpochMs: number
  readonly bytes: number
  readonly age: DataAge
  readonly ageDays: number
}

/** What an operator should hear of. */
export type GeoipEvent =
  | { readonly kind: 'loaded'; readonly database: DatabaseInUse }
  | { readonly kind: 'refused'; readonly problems: readonly string[]; readonly keptOld: boolean }
  | { readonly kind: 'aged'; readonly database: DatabaseInUse }

export interface GeoipState {
  readonly path: string
  /** `undefined` until a sound file was found: every place is the gateway's. */
  readonly database: DatabaseInUse | undefined
  /** Why the file that lies there now was refused; `undefined` when it is in use. */
  readonly refusal: { readonly problems: readonly string[]; readonly atMs: number } | undefined
  readonly refusals: number
  readonly cacheEntries: number
  readonly cacheEntriesMax: number
  readonly counts: Readonly<LookupCounts>
}

/** The path of the database that comes with the project. @throws when its package is missing. */
export function defaultDatabasePath(): string {
  return fileURLToPath(import.meta.resolve('geolite2-city/GeoLite2-City.mmdb.gz'))
}

/**
 * Opens a database and keeps it up to date until it is closed.
 *
 * Never fails: with a missing or unsound file everybody is at the gateway's place until a sound one
 * appears, and event and state say so. Later an unsound file leaves the old database in use.
 */
export async function openGeoip(
  options: Pick<GeoipOptions, 'path' | 'gatewayLocation'> & Partial<GeoipOptions>,
): Promise<Geoip> {
  const geoip = new Geoip({ ...GEOIP_DEFAULTS, ...options })
  await geoip.start()
  return geoip
}

/** One database with what was derived from it: they come and go together. */
interface Use {
  readonly database: CityDatabase
  readonly age: DataAge
  readonly lookup: PlaceLookup
}

/** Made by `openGeoip`. */
export class Geoip implements AsyncDisposable {
  readonly #options: GeoipOptions
  readonly #closing = new AbortController()
  readonly #counts: LookupCounts = { hits: 0, misses: 0, unreadable: 0 }
  #use: Use | undefined
  #seenVersion = ''
  #checking: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | undefined
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #refusal: GeoipState['refusal']
  #refusals = 0

  constructor(options: GeoipOptions) {
    this.#options = options
  }

  /** Finds the place of an address in any form that `net.isIP` accepts; other text is unknown. */
  locate(address: string): Place {
    const bytes = parseIpAddress(address)
    if (bytes === undefined) return gatewayPlace(this.#options.gatewayLocation(), 'unparsable')
    const carried = carriedAddress(bytes, this.#options.nat64)
    const found = specialUseOf(carried) ?? this.#use?.lookup.find(carried) ?? 'no-database'
    return typeof found === 'string' ? gatewayPlace(this.#options.gatewayLocation(), found) : found
  }

  state(): GeoipState {
    return {
      path: this.#options.path,
      database: this.#use === undefined ? undefined : this.#inUse(this.#use),
      refusal: this.#refusal,
      refusals: this.#refusals,
      cacheEntries: this.#use?.lookup.cacheEntries ?? 0,
      cacheEntriesMax: this.#options.cacheEntriesMax,
      counts: { ...this.#counts },
    }
  }

  /** Reads the file for the first time, and follows it from then on. */
  async start(): Promise<void> {
    this.#seenVersion = await fileVersion(this.#options.path)
    await this.#examine()
    if (this.#closing.signal.aborted) return
    this.#timer = setInterval(() => this.checkNow(), this.#options.statEveryMs).unref()
    this.#watch()
  }

  /** Looks at file and age; resolves when done. At most one check runs and one waits. */
  checkNow(): Promise<void> {
    this.#waiting ??= this.#checking.then(() => {
      this.#waiting = undefined
      return this.#check()
    })
    this.#checking = this.#waiting
    return this.#waiting
  }

  /** Stops following the file. May be repeated. Look-ups go on with the database last in use. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearInterval(this.#timer)
    this.#watcher?.close()
    await this.#checking
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A folder that cannot be watched is no failure: the timer looks all the same. */
  #watch(): void {
    try {
      this.#watcher = watch(dirname(this.#options.path), { persistent: false })
    } catch {
      return
    }
    this.#watcher.on('change', () => this.checkNow())
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  async #check(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#noteAge()
    const version = await this.#settledVersion()
    if (version === this.#seenVersion) return
    // Before reading: what is written meanwhile is another version, and the next check finds it.
    this.#seenVersion = version
    await this.#examine()
  }

  /** Waits while somebody writes: a file half copied is not worth an alarm. Ends at close. */
  async #settledVersion(): Promise<string> {
    let version = await fileVersion(this.#options.path)
    while (version !== this.#seenVersion) {
      try {
        await sleep(this.#options.settleMs, undefined, {
          signal: this.#closing.signal,
          ref: false,
        })
      } catch {
        return this.#seenVersion
      }
      const next = await fileVersion(this.#options.path)
      if (next === version) break
      version = next
    }
    return version
  }

  async #examine(): Promise<void> {
    const { path, databaseBytesMax, canaries } = this.#options
    const file = await readDatabaseFile(path, databaseBytesMax)
    const database = file.kind === 'bytes' ? openCityDatabase(file.bytes) : undefined
    const problems =
      file.kind !== 'bytes'
        ? [file.problem]
        : database === undefined
          ? ['it is no MaxMind database']
          : databaseProblems(database, canaries, this.#use?.database)
    // What could not be read is read again at the next look: the system may have recovered.
    if (file.kind === 'unreadable') this.#seenVersion = ''
    if (database === undefined || problems.length > 0) this.#refuse(problems)
    else this.#take(database)
  }

  #refuse(problems: readonly string[]): void {
    if (this.#refusal?.problems.join() === problems.join()) return // It was said before.
    this.#refusals += 1
    this.#refusal = { problems, atMs: this.#options.now() }
    const keptOld = this.#use !== undefined
    this.#options.onEvent({ kind: 'refused', problems, keptOld })
  }

  #take(database: CityDatabase): void {
    this.#refusal = undefined
    const use = this.#useOf(database)
    this.#use = use
    this.#options.onEvent({ kind: 'loaded', database: this.#inUse(use) })
  }

  #useOf(database: CityDatabase): Use {
    const { cacheEntriesMax, missingRadiusKm, countryRadiusKm, continentRadiusKm } = this.#options
    const age = this.#ageOf(database)
    const radii = {
      missingKm: missingRadiusKm,
      countryKm: countryRadiusKm,
      continentKm: continentRadiusKm,
      factor: age === 'old' ? 2 : 1,
    }
    const lookup = createPlaceLookup(database, { radii, cacheEntriesMax, counts: this.#counts })
    return { database, age, lookup }
  }

  /** Radii depend on the age, so a database that grew older starts again with an empty cache. */
  #noteAge(): void {
    if (this.#use === undefined || this.#ageOf(this.#use.database) === this.#use.age) return
    const use = this.#useOf(this.#use.database)
    this.#use = use
    this.#options.onEvent({ kind: 'aged', database: this.#inUse(use) })
  }

  #ageOf({ buildEpochMs }: CityDatabase): DataAge {
    const ageMs = this.#options.now() - buildEpochMs
    if (ageMs >= this.#options.oldMs) return 'old'
    return ageMs >= this.#options.agingMs ? 'aging' : 'fresh'
  }

  #inUse({ database, age }: Use): DatabaseInUse {
    const { databaseType, buildEpochMs, bytes } = database
    const ageDays = Math.floor((this.#options.now() - buildEpochMs) / DAY_MS)
    return { databaseType, buildEpochMs, bytes, age, ageDays }
  }
}
