// Goal: an operator's update ends in a whole, checked database or changes nothing.
// Method: a server of our own plays MaxMind's, with its redirect to a storage of another origin.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { parseUpdateOptions, type UpdateOutcome, updateGeoip } from './update-geoip.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const LITE = readFileSync(join(FIXTURES, 'GeoLite2-City-Test.mmdb'))
const BROKEN = readFileSync(join(FIXTURES, 'GeoIP2-City-Test-Broken-Double-Format.mmdb'))
const BUILT_MS = Date.parse('2026-02-04T22:49:29Z')
const CANARIES = [{ address: '81.2.69.160', countryIsoCode: 'GB' }]
const KEY = 'secret_license_key'

async function listen(handle: RequestListener) {
  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Download {
  readonly archive: Buffer
  readonly checksum?: string
  readonly status?: number
}

/** Plays MaxMind: checks the account, answers the checksum, redirects archives to its storage. */
async function startMaxMind({ archive, checksum, status = 200 }: Download) {
  const storageHeaders: (string | undefined)[] = []
  const storage = await listen(({ headers }, response) => {
    storageHeaders.push(headers.authorization)
    response.end(archive)
  })
  const front = await listen(({ headers, url = '' }, response) => {
    const expected = `Basic ${Buffer.from(`42:${KEY}`).toString('base64')}`
    if (headers.authorization !== expected) response.writeHead(401).end()
    else if (status !== 200) response.writeHead(status).end()
    else if (url === '/geoip/databases/GeoLite2-City/download?suffix=tar.gz.sha256') {
      const digest = createHash('sha256').update(archive).digest('hex')
      response.end(checksum ?? `${digest}  GeoLite2-City_20260204.tar.gz\n`)
    } else if (url === '/geoip/databases/GeoLite2-City/download?suffix=tar.gz') {
      response.writeHead(302, { location: `${storage.url}/archive` }).end()
    } else response.writeHead(404).end()
  })
  return {
    url: front.url,
    storageHeaders,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await storage[Symbol.asyncDispose]()
    },
  }
}

/** An archive as MaxMind packs it: a folder, a text and the database. */
function archiveOf(database: Buffer, name = 'GeoLite2-City.mmdb'): Buffer {
  const folder = 'GeoLite2-City_20260204/'
  return gzipSync(
    Buffer.concat([
      tarEntry(folder, Buffer.alloc(0), '5'),
      tarEntry(`${folder}LICENSE.txt`, Buffer.from('CC BY-SA 4.0'), '0'),
      tarEntry(folder + name, database, '0'),
      Buffer.alloc(1_024),
    ]),
  )
}

function tarEntry(name: string, content: Buffer, kind: string): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write(kind, 156)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

/** Updates a folder of its own, where `old` lies already, and tells what lies there afterwards. */
async function update(download: Download, old?: Buffer, licenseKey = KEY) {
  await using maxMind = await startMaxMind(download)
  await using folder = await mkdtempDisposable(join(tmpdir(), 'meridian-update-'))
  const target = join(folder.path, 'City.mmdb')
  if (old !== undefined) await writeFile(target, old)
  const options = { accountId: '42', licenseKey, baseUrl: maxMind.url, target }
  const outcome = await updateGeoip(options, CANARIES)
  const files = await readdir(folder.path)
  return {
    outcome,
    files,
    storageHeaders: maxMind.storageHeaders,
    content: files.includes('City.mmdb') ? await readFile(target) : undefined,
  }
}

test('a first update puts the checked database in place, and nothing beside it', async () => {
  const { outcome, files, content } = await update({ archive: archiveOf(LITE) })

  assert.deepEqual(outcome, { kind: 'updated', builtMs: BUILT_MS, bytes: LITE.length })
  assert.deepEqual(files, ['City.mmdb'])
  assert.deepEqual(content, LITE)
})

test('the license key does not follow the redirect to the storage', async () => {
  const { storageHeaders } = await update({ archive: archiveOf(LITE) })

  assert.deepEqual(storageHeaders, [undefined])
})

test('an older or broken file is replaced', async () => {
  const older = Buffer.from(LITE)
  older.writeUInt32BE(BUILT_MS / 1_000 - 86_400, older.lastIndexOf('build_epoch') + 13)

  for (const old of [older, Buffer.from('no database')]) {
    const { outcome, content } = await update({ archive: archiveOf(LITE) }, old)
    assert.equal(outcome.kind, 'updated')
    assert.deepEqual(content, LITE)
  }
})

test('the same build again changes nothing', async () => {
  const { outcome } = await update({ archive: archiveOf(LITE) }, LITE)

  assert.deepEqual(outcome, { kind: 'current', builtMs: BUILT_MS })
})

const REFUSALS: readonly [situation: string, download: Download, problem: RegExp, key?: string][] =
  [
    ['a wrong key', { archive: archiveOf(LITE) }, /refused account or key \(401\)/, 'wrong'],
    ['the daily limit', { archive: archiveOf(LITE), status: 429 }, /no more downloads today/],
    ['a server error', { archive: archiveOf(LITE), status: 500 }, /answered 500/],
    [
      'a wrong checksum',
      { archive: archiveOf(LITE), checksum: `${'0'.repeat(64)}  x` },
      /does not match its checksum/,
    ],
    ['a checksum that is none', { archive: archiveOf(LITE), checksum: '<html>' }, /its checksum/],
    ['an archive that is none', { archive: Buffer.from('<html>') }, /cannot be unpacked/],
    ['an archive without a database', { archive: archiveOf(LITE, 'README.mmdb') }, /holds no GeoL/],
    ['an archive that ends early', { archive: gzipSync(Buffer.alloc(700)) }, /holds no GeoLite2/],
    ['a database that is none', { archive: archiveOf(Buffer.from('x')) }, /no MaxMind database/],
    ['a database with broken coordinates', { archive: archiveOf(BROKEN) }, /want its coordinates/],
  ]

for (const [situation, download, problem, key] of REFUSALS) {
  test(`${situation} is refused by name, and the old file stays as it was`, async () => {
    const { outcome, content, files } = await update(download, LITE, key)

    assert.ok(outcome.kind === 'refused')
    assert.match(outcome.problems.join('\n'), problem)
    assert.doesNotMatch(outcome.problems.join('\n'), /secret|wrong/)
    assert.deepEqual(content, LITE)
    assert.deepEqual(files, ['City.mmdb'])
  })
}

test('a server that cannot be reached is refused by name', async () => {
  const gone = await listen(() => {})
  await gone[Symbol.asyncDispose]()
  const options = { accountId: '42', licenseKey: KEY, baseUrl: gone.url, target: '/nowhere/x' }

  const outcome: UpdateOutcome = await updateGeoip(options)

  assert.ok(outcome.kind === 'refused')
  assert.match(outcome.problems[0] ?? '', /^127\.0\.0\.1:\d+ cannot be reached .*\(ECONNREFUSED\)$/)
})

test('a target that cannot be written is an error, and leaves nothing behind', async () => {
  await using maxMind = await startMaxMind({ archive: archiveOf(LITE) })
  await using folder = await mkdtempDisposable(join(tmpdir(), 'meridian-update-'))
  const target = join(folder.path, 'missing', 'City.mmdb')
  const options = { accountId: '42', licenseKey: KEY, baseUrl: maxMind.url, target }

  await assert.rejects(updateGeoip(options, CANARIES), { code: 'ENOENT' })
})

test('account, key and a safe address are needed', () => {
  const env = { MAXMIND_ACCOUNT_ID: '42', MAXMIND_LICENSE_KEY: KEY }

  assert.deepEqual(parseUpdateOptions(env, 't'), {
    accountId: '42',
    licenseKey: KEY,
    baseUrl: 'https://download.maxmind.com',
    target: 't',
  })
  assert.deepEqual(parseUpdateOptions({ MAXMIND_URL: 'http://mirror.example' }, 't'), {
    problems: [
      'MAXMIND_ACCOUNT_ID: want the number of an account',
      'MAXMIND_LICENSE_KEY: want the license key of that account',
      'MAXMIND_URL: want an https address',
    ],
  })
})

test('the command without an account ends with code 78 and says what it wants', async () => {
  const run = runCommand({})

  await assert.rejects(run, (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 78)
    assert.match(error.stderr, /MAXMIND_ACCOUNT_ID/)
    return true
  })
})

test('the command refuses what no canary believes with code 1, and keeps the key', async () => {
  await using maxMind = await startMaxMind({ archive: archiveOf(LITE) })
  const run = runCommand({
    MAXMIND_ACCOUNT_ID: '42',
    MAXMIND_LICENSE_KEY: KEY,
    MAXMIND_URL: maxMind.url,
  })

  await assert.rejects(run, (error: { code: number; stderr: string; stdout: string }) => {
    assert.equal(error.code, 1)
    assert.match(error.stderr, /is not-found, want US/)
    assert.doesNotMatch(error.stderr + error.stdout, new RegExp(KEY))
    return true
  })
})

function runCommand(env: Record<string, string>) {
  const main = join(import.meta.dirname, 'main.ts')
  const target = join(tmpdir(), 'meridian-never-written.mmdb')
  return promisify(execFile)(process.execPath, [main, target], { env, timeout: 60_000 })
}
