// Goal: whatever happens to the file, clients keep being placed by the last sound one.
// Method: real files in a folder of the test, replaced as an operator would; MaxMind's test data,
// sound and broken (geo-data/fixtures), and the database that comes with the project.

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtempDisposable,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { orderByCost } from '../regions/cost.ts'
import { parseRegions } from '../regions/region.ts'
import {
  defaultDatabasePath,
  GEOIP_DEFAULTS,
  type GeoipEvent,
  type GeoipOptions,
  openGeoip,
} from './open-geoip.ts'

const FIXTURES = join(import.meta.dirname, '../../geo-data/fixtures')
const CITY = readFileSync(join(FIXTURES, 'GeoIP2-City-Test.mmdb'))
const LITE = readFileSync(join(FIXTURES, 'GeoLite2-City-Test.mmdb'))
const BUILT_MS = Date.parse('2026-02-04T22:49:29Z')
const DAY_MS = 86_400_000
const GATEWAY = { lat: 50.1, lon: 8.7 }
const HANG_MS = 20_000

/** In CITY a network in Singapore, in LITE none. */
const ONLY_IN_CITY = '214.0.0.1'

/** A folder with a database in it, and the geoip that follows it; checks only when asked to. */
async function follow(bytes: Buffer | undefined, options: Partial<GeoipOptions> = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'meridian-geoip-'))
  const path = join(folder.path, 'City.mmdb')
  const replace = async (next: Buffer) => {
    await writeFile(`${path}.next`, next)
    await rename(`${path}.next`, path)
  }
  if (bytes !== undefined) await replace(bytes)
  const events: GeoipEvent[] = []
  const emitter = new EventEmitter()
  const geoip = await openGeoip({
    path,
    gatewayLocation: () => GATEWAY,
    canaries: [
      { address: '81.2.69.160', countryIsoCode: 'GB' },
      { address: '89.160.20.112', countryIsoCode: 'SE' },
    ],
    onEvent: (event) => {
      events.push(event)
      emitter.emit(event.kind)
    },
    settleMs: 1,
    now: () => BUILT_MS + DAY_MS,
    ...options,
  })
  return {
    path,
    geoip,
    events,
    replace,
    kinds: () => events.map(({ kind }) => kind),
    heard: (kind: GeoipEvent['kind']) =>
      once(emitter, kind, { signal: AbortSignal.timeout(HANG_MS) }),
    async [Symbol.asyncDispose]() {
      await geoip.close()
      await folder.remove()
    },
  }
}

/** The same database with another time of build. */
function rebuilt(bytes: Buffer, builtMs: number): Buffer {
  const copy = Buffer.from(bytes)
  const NAME_AND_TYPE_BYTES = 13 // `build_epoch`, and two bytes that say: integer of four bytes.
  copy.writeUInt32BE(builtMs / 1_000, copy.lastIndexOf('build_epoch') + NAME_AND_TYPE_BYTES)
  return copy
}

/** The same database, longer: what follows the metadata is not read. */
function padded(bytes: Buffer, times: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(bytes.length * (times - 1))])
}

test('a sound database places its addresses, and the state says which one it is', async () => {
  await using followed = await follow(CITY)

  assert.equal(followed.geoip.locate(ONLY_IN_CITY).countryIsoCode, 'SG')
  assert.deepEqual(followed.kinds(), ['loaded'])
  assert.deepEqual(followed.geoip.state(), {
    path: followed.path,
    database: {
      databaseType: 'GeoIP2-City',
      buildEpochMs: BUILT_MS,
      bytes: CITY.length,
      age: 'fresh',
      ageDays: 1,
    },
    refusal: undefined,
    refusals: 0,
    cacheEntries: 1,
    cacheEntriesMax: 65_536,
    counts: { hits: 0, misses: 1, unreadable: 0 },
  })
})

const FORMS: readonly [address: string, countryIsoCode: string | undefined, reason?: string][] = [
  ['81.2.69.160', 'GB'],
  ['::ffff:81.2.69.160', 'GB'],
  ['2002:5102:45a0::1', 'GB'],
  ['64:ff9b::5102:45a0', 'GB'],
  ['64:ff9b::10.0.0.1', undefined, 'private'],
  ['2001:0:5102:45a0::1', undefined, 'teredo'],
  ['::81.2.69.160', undefined, 'reserved'],
  ['fe80::1%eth0', undefined, 'link-local'],
  ['10.0.0.1', undefined, 'private'],
  ['100.64.0.1', undefined, 'shared'],
  ['::1', undefined, 'loopback'],
  ['203.0.113.7', undefined, 'documentation'],
  ['9.9.9.9', undefined, 'not-found'],
  ['214.1.1.0', undefined, 'no-place'],
  ['<script>', undefined, 'unparsable'],
]

for (const [address, countryIsoCode, unknownReason] of FORMS) {
  test(`${address} is ${countryIsoCode ?? `unknown, being ${unknownReason}`}`, async () => {
    await using followed = await follow(CITY)
    const place = followed.geoip.locate(address)

    assert.equal(place.countryIsoCode, countryIsoCode)
    assert.equal(place.unknownReason, unknownReason)
    assert.equal(place.source, unknownReason === undefined ? 'location' : 'gateway')
    if (unknownReason !== undefined) assert.deepEqual(place.location, GATEWAY)
  })
}

test('an unknown place follows the gateway to where it is now', async () => {
  let location = GATEWAY
  await using followed = await follow(CITY, { gatewayLocation: () => location })

  followed.geoip.locate('9.9.9.9')
  location = { lat: 1, lon: 2 }

  assert.deepEqual(followed.geoip.locate('9.9.9.9').location, { lat: 1, lon: 2 })
})

test('a new database replaces the old one with everything that was cached of it', async () => {
  await using followed = await follow(CITY)
  assert.equal(followed.geoip.locate(ONLY_IN_CITY).countryIsoCode, 'SG')

  await followed.replace(gzipSync(LITE))
  await followed.geoip.checkNow()

  assert.equal(followed.geoip.locate(ONLY_IN_CITY).unknownReason, 'not-found')
  assert.equal(followed.geoip.locate('81.2.69.160').countryIsoCode, 'GB')
  assert.equal(followed.geoip.state().database?.databaseType, 'GeoLite2-City')
  assert.deepEqual(followed.kinds(), ['loaded', 'loaded'])
})

const BAD: readonly [name: string, bytes: Buffer, problem: RegExp][] = [
  ['empty', Buffer.alloc(0), /no MaxMind database/],
  ['cut in half', CITY.subarray(0, CITY.length / 2), /no MaxMind database/],
  ['cut in half and packed', gzipSync(CITY).subarray(0, 5_000), /cannot be unpacked/],
  ['no database', Buffer.from('<html>502 Bad Gateway</html>'), /no MaxMind database/],
  ['of another type', fixture('GeoLite2-Country-Test.mmdb'), /type is "GeoLite2-Country"/],
  ['older', rebuilt(CITY, BUILT_MS - DAY_MS), /older than the one in use, by 1 d/],
  ['less than half as large', LITE, /less than half/],
  ['of broken doubles', fixture('GeoIP2-City-Test-Broken-Double-Format.mmdb'), /at 1.79/],
  ['damaged inside', fixture('GeoIP2-City-Test-Invalid-Node-Count.mmdb'), /unreadable/],
  ...readdirSync(join(FIXTURES, 'bad-data')).map((name): [string, Buffer, RegExp] => [
    name,
    fixture(join('bad-data', name)),
    /no MaxMind database|its type is "Test"/,
  ]),
]

function fixture(name: string): Buffer {
  return readFileSync(join(FIXTURES, name))
}

for (const [name, bytes, problem] of BAD) {
  test(`a file that is ${name} is refused, and the old database stays in use`, async () => {
    await using followed = await follow(padded(CITY, 3))
    const before = followed.geoip.locate(ONLY_IN_CITY)

    await followed.replace(bytes)
    await followed.geoip.checkNow()
    await followed.geoip.checkNow()

    const { refusal, refusals, database } = followed.geoip.state()
    assert.match(refusal?.problems.join('\n') ?? '', problem)
    assert.equal(refusals, 1, 'it is examined once')
    assert.equal(database?.bytes, CITY.length * 3)
    assert.equal(followed.geoip.locate(ONLY_IN_CITY), before)
    assert.deepEqual(followed.kinds(), ['loaded', 'refused'])
  })
}

test('a file that vanishes leaves the old database in use, and its return is noticed', async () => {
  await using followed = await follow(CITY)

  await rm(followed.path)
  await followed.geoip.checkNow()
  await followed.geoip.checkNow()
  assert.deepEqual(followed.kinds(), ['loaded', 'refused'], 'it is said once')
  assert.deepEqual(followed.events.at(-1), {
    kind: 'refused',
    problems: ['it cannot be read (ENOENT)'],
    keptOld: true,
  })
  assert.equal(followed.geoip.locate(ONLY_IN_CITY).countryIsoCode, 'SG')

  await followed.replace(CITY)
  await followed.geoip.checkNow()
  assert.equal(followed.events.at(-1)?.kind, 'loaded')
  assert.equal(followed.geoip.state().refusal, undefined)
})

test('a sound database after a refused one is taken', async () => {
  await using followed = await follow(CITY)

  await followed.replace(Buffer.from('half a'))
  await followed.geoip.checkNow()
  await followed.replace(LITE)
  await followed.geoip.checkNow()

  assert.deepEqual(followed.kinds(), ['loaded', 'refused', 'loaded'])
  assert.equal(followed.geoip.state().refusal, undefined)
  assert.equal(followed.geoip.state().refusals, 1)
})

for (const [name, bytes] of [
  ['missing', undefined],
  ['broken', Buffer.from('no database')],
] as const) {
  test(`with a ${name} file at start all are at the gateway until a sound one`, async () => {
    await using followed = await follow(bytes)

    assert.equal(followed.geoip.locate('81.2.69.160').unknownReason, 'no-database')
    assert.equal(followed.geoip.state().database, undefined)
    assert.equal(followed.geoip.state().refusals, 1)
    assert.deepEqual(followed.kinds(), ['refused'])

    await followed.replace(CITY)
    await followed.geoip.checkNow()
    assert.equal(followed.geoip.locate('81.2.69.160').countryIsoCode, 'GB')
  })
}

test('a file that could not be read is read when it can be, though it did not change', async () => {
  await using followed = await follow(undefined)
  await writeFile(`${followed.path}.next`, CITY, { mode: 0o000 })
  await chmod(dirname(followed.path), 0o777)

  const restore = becomeNobody()
  try {
    await rename(`${followed.path}.next`, followed.path)
    await followed.geoip.checkNow()
    assert.deepEqual(followed.geoip.state().refusal?.problems, ['it cannot be read (EACCES)'])
  } finally {
    restore()
  }
  await chmod(followed.path, 0o600)
  await followed.geoip.checkNow()

  assert.equal(followed.geoip.locate('81.2.69.160').countryIsoCode, 'GB')
})

/** Gives up the rights of root, who may read everything, until the returned function is called. */
function becomeNobody(): () => void {
  if (process.geteuid?.() !== 0) return () => {}
  process.seteuid?.(65_534)
  return () => process.seteuid?.(0)
}

test('a change in the folder is noticed without being asked for', async () => {
  await using followed = await follow(CITY)

  const loaded = followed.heard('loaded')
  await followed.replace(LITE)
  await loaded

  assert.equal(followed.geoip.state().database?.databaseType, 'GeoLite2-City')
})

test('where the folder cannot be watched, the timer finds what appears', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'meridian-geoip-'))
  const path = join(folder.path, 'not-yet', 'City.mmdb')
  await using followed = await follow(undefined, { path, statEveryMs: 5 })

  const loaded = followed.heard('loaded')
  await mkdir(join(folder.path, 'not-yet'))
  await writeFile(`${path}.next`, CITY)
  await rename(`${path}.next`, path)
  await loaded

  assert.equal(followed.geoip.locate('81.2.69.160').countryIsoCode, 'GB')
})

test('a file that is being written is not examined before it keeps still', async () => {
  await using followed = await follow(CITY, { settleMs: 500 })

  await writeFile(followed.path, LITE.subarray(0, 1_000))
  const checked = followed.geoip.checkNow()
  for (let at = 1_000; at < LITE.length; at += 5_000) {
    await appendFile(followed.path, LITE.subarray(at, at + 5_000))
  }
  await checked

  assert.deepEqual(followed.kinds(), ['loaded', 'loaded'])
  assert.equal(followed.geoip.state().database?.databaseType, 'GeoLite2-City')
})

test('checks that are asked for at once are one check', async () => {
  await using followed = await follow(CITY)
  await followed.replace(LITE)

  await Promise.all(Array.from({ length: 50 }, () => followed.geoip.checkNow()))

  assert.deepEqual(followed.kinds(), ['loaded', 'loaded'])
})

test('data of two weeks are aging; those of a month are old, and half as exact', async () => {
  let nowMs = BUILT_MS + 14 * DAY_MS - 1
  await using followed = await follow(CITY, { now: () => nowMs })
  const radiusKm = () => followed.geoip.locate('67.43.156.0').accuracyRadiusKm
  assert.equal(followed.geoip.state().database?.age, 'fresh')

  nowMs = BUILT_MS + 14 * DAY_MS
  await followed.geoip.checkNow()
  assert.equal(followed.geoip.state().database?.age, 'aging')
  assert.equal(radiusKm(), 534)

  nowMs = BUILT_MS + 30 * DAY_MS
  await followed.geoip.checkNow()
  await followed.geoip.checkNow()
  assert.equal(radiusKm(), 1_068)
  assert.deepEqual(followed.kinds(), ['loaded', 'aged', 'aged'])
  assert.equal(followed.geoip.state().database?.ageDays, 30)

  await followed.replace(rebuilt(CITY, nowMs))
  await followed.geoip.checkNow()
  assert.equal(radiusKm(), 534)
  assert.equal(followed.geoip.state().database?.age, 'fresh')
})

test('damage that no canary meets costs one address its place, and is counted', async () => {
  await using followed = await follow(fixture('GeoIP2-City-Test-Invalid-Node-Count.mmdb'), {
    canaries: [],
  })

  assert.equal(followed.geoip.locate('81.2.69.160').unknownReason, 'unreadable')
  assert.equal(followed.geoip.state().counts.unreadable, 1)
})

test('a closed geoip goes on placing and follows no more; closing may be repeated', async () => {
  await using followed = await follow(CITY)

  await followed.geoip.close()
  await followed.replace(LITE)
  await followed.geoip.checkNow()
  await followed.geoip.close()

  assert.equal(followed.geoip.locate(ONLY_IN_CITY).countryIsoCode, 'SG')
  assert.deepEqual(followed.kinds(), ['loaded'])
})

test('closing does not wait for a file to keep still', { timeout: HANG_MS }, async () => {
  await using followed = await follow(CITY, { settleMs: 3_600_000 })
  await followed.replace(LITE)

  const checked = followed.geoip.checkNow()
  await followed.geoip.close()
  await checked

  assert.deepEqual(followed.kinds(), ['loaded'])
})

test('the database of the project is sound, and sends clients where they should go', async () => {
  const events: GeoipEvent[] = []
  await using geoip = await openGeoip({
    path: defaultDatabasePath(),
    gatewayLocation: () => GATEWAY,
    cacheEntriesMax: 100,
    onEvent: (event) => events.push(event),
  })
  const regions = parseRegions(
    readFileSync(join(import.meta.dirname, '../../geo-data/regions.json'), 'utf8'),
  )
  assert.ok(regions.kind === 'regions')
  const nearest = (address: string) => {
    const options = { proximity: regions.proximity, rttStaleMs: 3_000 }
    return orderByCost(geoip.locate(address), regions.regions, new Map(), options)[0]?.regionId
  }

  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['loaded'],
  )
  assert.ok(GEOIP_DEFAULTS.canaries.length >= 20)
  assert.equal(geoip.locate('1.1.1.1').source, 'registered')
  assert.equal(geoip.locate('1.1.1.1').countryIsoCode, 'AU')
  assert.equal(nearest('1.1.1.1'), 'ap-southeast')
  assert.equal(nearest('2.2.2.2'), 'eu-central')
  assert.equal(nearest('128.59.1.1'), 'us-east') // Columbia University, New York.
  assert.equal(geoip.locate('10.0.0.1').source, 'gateway')
  assert.equal(nearest('10.0.0.1'), 'eu-central') // The region nearest this gateway.

  for (let n = 0; n < 3_000; n++) geoip.locate(`${20 + (n % 50)}.${n % 251}.${n % 241}.${n % 256}`)
  assert.equal(geoip.state().cacheEntries, 100)
})

test('in the database of the project every canary is in its country', async () => {
  await using geoip = await openGeoip({
    path: defaultDatabasePath(),
    gatewayLocation: () => GATEWAY,
  })

  for (const { address, countryIsoCode } of GEOIP_DEFAULTS.canaries) {
    const place = geoip.locate(address)
    assert.equal(place.countryIsoCode, countryIsoCode, address)
    assert.equal(place.source, 'location', address)
  }
})
