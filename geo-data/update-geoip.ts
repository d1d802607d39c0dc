// Fetches the newest GeoLite2 City from MaxMind for an operator with an account. Nothing replaces
// the file in use before the whole of it was checked in the way that a running gateway checks it,
// and the gateway finds the new file by itself.

import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { readDatabaseFile } from '../gateway/place/database-file.ts'
import {
  type Canary,
  type CityDatabase,
  databaseProblems,
} from '../gateway/place/database-problems.ts'
import { openCityDatabase } from '../gateway/place/geoip-database.ts'
import canaries from './canaries.json' with { type: 'json' }

export interface UpdateOptions {
  readonly accountId: string
  readonly licenseKey: string
  /** Origin of the download server. */
  readonly baseUrl: string
  /** The file to replace; its folder must exist, the file need not. */
  readonly target: string
}

/** How an update ended. Problems name what is to be done and never hold the license key. */
export type UpdateOutcome =
  | { readonly kind: 'updated'; readonly builtMs: number; readonly bytes: number }
  | { readonly kind: 'current'; readonly builtMs: number }
  | { readonly kind: 'refused'; readonly problems: readonly string[] }

const MAXMIND_URL = 'https://download.maxmind.com'
const EDITION = 'GeoLite2-City'
/** The archive has 33 MB, its database 66 MB. */
const BYTES_MAX = 512 * 1024 * 1024
const DOWNLOAD_TIMEOUT_MS = 600_000
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]']
const TAR_BLOCK_BYTES = 512

/** Reads what an operator set. The address may be a mirror's, but the key travels encrypted. */
export function parseUpdateOptions(
  env: Readonly<Record<string, string | undefined>>,
  target: string,
): UpdateOptions | { readonly problems: readonly string[] } {
  const accountId = env.MAXMIND_ACCOUNT_ID ?? ''
  const licenseKey = env.MAXMIND_LICENSE_KEY ?? ''
  const baseUrl = env.MAXMIND_URL ?? MAXMIND_URL
  const problems: string[] = []
  if (!/^\d+$/.test(accountId)) problems.push('MAXMIND_ACCOUNT_ID: want the number of an account')
  if (licenseKey === '') problems.push('MAXMIND_LICENSE_KEY: want the license key of that account')
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const isSafe = url?.protocol === 'https:' || LOOPBACK_HOSTS.includes(url?.hostname ?? '')
  if (!isSafe) problems.push('MAXMIND_URL: want an https address')
  return problems.length > 0 ? { problems } : { accountId, licenseKey, baseUrl, target }
}

/**
 * Downloads, verifies and swaps. Never throws for what the network or MaxMind does; a target that
 * cannot be written is an error as the system gives it. Whatever happens, `target` is one whole
 * database, the old or the new one.
 */
export async function updateGeoip(
  options: UpdateOptions,
  checkedBy: readonly Canary[] = canaries,
): Promise<UpdateOutcome> {
  try {
    const bytes = databaseIn(await downloadArchive(options))
    const inUse = await databaseAt(options.target)
    const database = openCityDatabase(bytes)
    if (database === undefined) throw new UpdateProblem('what came is no MaxMind database')
    const problems = databaseProblems(database, checkedBy, inUse)
    if (problems.length > 0) return { kind: 'refused', problems }
    const builtMs = database.buildEpochMs
    if (builtMs === inUse?.buildEpochMs) return { kind: 'current', builtMs }
    await replaceFile(options.target, bytes)
    return { kind: 'updated', builtMs, bytes: bytes.length }
  } catch (error) {
    if (error instanceof UpdateProblem) return { kind: 'refused', problems: [error.message] }
    throw error
  }
}

/** What an operator can do something about. */
class UpdateProblem extends Error {
  override readonly name = 'UpdateProblem'
}

/** Fetches archive and checksum, and gives the archive unpacked from gzip when the two agree. */
async function downloadArchive(options: UpdateOptions): Promise<Buffer> {
  const checksum = await download(options, 'tar.gz.sha256')
  const archive = await download(options, 'tar.gz')
  const want = /^[0-9a-f]{64}\b/.exec(checksum.toString('latin1'))?.[0]
  const have = createHash('sha256').update(archive).digest('hex')
  if (have !== want) throw new UpdateProblem('the archive does not match its checksum')
  try {
    return await promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)(archive, {
      maxOutputLength: BYTES_MAX,
    })
  } catch {
    throw new UpdateProblem('the archive cannot be unpacked')
  }
}

async function download(options: UpdateOptions, suffix: string): Promise<Buffer> {
  const { accountId, licenseKey, baseUrl } = options
  const url = new URL(`/geoip/databases/${EDITION}/download?suffix=${suffix}`, baseUrl)
  const credentials = Buffer.from(`${accountId}:${licenseKey}`).toString('base64')
  try {
    const response = await fetch(url, {
      // MaxMind redirects to its storage; fetch takes this header off for another origin.
      headers: { authorization: `Basic ${credentials}` },
      signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw new UpdateProblem(problemOfStatus(response.status))
    }
    return await bodyOf(response)
  } catch (error) {
    if (error instanceof UpdateProblem) throw error
    throw new UpdateProblem(`${url.host} cannot be reached or broke off (${codeOf(error)})`)
  }
}

function problemOfStatus(status: number): string {
  if (status === 401 || status === 403) return `MaxMind refused account or key (${status})`
  if (status === 429) return 'MaxMind allows no more downloads today (429)'
  return `MaxMind answered ${status}`
}

async function bodyOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > BYTES_MAX) throw new UpdateProblem(`more than ${BYTES_MAX} bytes came`)
  }
  return Buffer.concat(chunks)
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}

/**
 * Finds the database in a tar archive: blocks of 512 bytes, where a header with name (at 0), size
 * in octal digits (at 124) and kind (at 156) stands before the content of each file.
 */
function databaseIn(tar: Buffer): Buffer {
  for (let at = 0; at + TAR_BLOCK_BYTES <= tar.length; ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '')
    const bytes = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8) || 0
    const start = at + TAR_BLOCK_BYTES
    const isFile = tar[at + 156] === 0x30 || tar[at + 156] === 0
    if (isFile && basename(name) === `${EDITION}.mmdb`) return tar.subarray(start, start + bytes)
    at = start + Math.ceil(bytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES
  }
  throw new UpdateProblem(`the archive holds no ${EDITION}.mmdb`)
}

/** The database that lies at the target, if that is one: a broken one may be replaced by any. */
async function databaseAt(path: string): Promise<CityDatabase | undefined> {
  const file = await readDatabaseFile(path, BYTES_MAX)
  return file.kind === 'bytes' ? openCityDatabase(file.bytes) : undefined
}

/** Writes beside the target and renames: a reader finds the old file or the new one, whole. */
async function replaceFile(target: string, bytes: Buffer): Promise<void> {
  const next = join(dirname(target), `.${basename(target)}.${process.pid}`)
  try {
    await using file = await open(next, 'w', 0o644)
    await file.writeFile(bytes)
    await file.sync() // Before the rename, or a power loss may leave an empty file of that name.
    await rename(next, target)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
}
