import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeIdentity, type Identity } from '#wire/identity.ts'
import {
  createAuthority,
  issueLeaf,
  type KeyedCertificate,
  type LeafRequest,
} from './certificates.ts'
import { type CertificateFacts, decideRenewal } from './renewal.ts'

/** The name under which identities of the local certificates are written and compared. */
export const TRUST_DOMAIN = 'meridian.local'

const HOUR_MS = 3_600_000
const LEAF_LIFETIME_MS = 24 * HOUR_MS
/** Half of the life: a start in the evening does not expire at night. */
const LEAF_RENEW_BELOW_MS = 12 * HOUR_MS
const AUTHORITY_LIFETIME_MS = 365 * 24 * HOUR_MS
const AUTHORITY_RENEW_BELOW_MS = 30 * 24 * HOUR_MS

/** Where a certificate and its key lie. */
export interface CertificatePaths {
  readonly certificate: string
  readonly key: string
}

/** Says where the files of a name lie: `public`, `gateway`, `us-east-ingress` and so on. */
export function certificatePathsOf(folder: string, name: string): CertificatePaths {
  return { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) }
}

/** The authority's certificate, which clients and processes are given to trust. */
export function authorityPathOf(folder: string): string {
  return join(folder, 'ca.pem')
}

/**
 * Makes the authority and every leaf that the regions need, and renews what is past its half-life.
 *
 * What still serves is left untouched, so this is called at start and then now and again. Each file
 * is replaced by a rename; a reader may find a new certificate beside an old key for a moment and
 * must compare them before use. Returns the names that were written, `ca` among them.
 */
export async function ensureCertificates(
  folder: string,
  regionIds: readonly string[],
  nowMs: number,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700) // It may have existed with other rights.
  const { authority, isNew } = await ensureAuthority(folder, nowMs)
  const written = isNew ? ['ca'] : []
  for (const [name, request] of leavesOf(regionIds)) {
    const leafPaths = certificatePathsOf(folder, name)
    const facts = factsOf(await readUsable(leafPaths, authority))
    if (decideRenewal(facts, nowMs, LEAF_RENEW_BELOW_MS) === 'keep') continue
    await writePair(
      leafPaths,
      await issueLeaf(authority, request, { nowMs, lifetimeMs: LEAF_LIFETIME_MS }),
    )
    written.push(name)
  }
  return written
}

async function ensureAuthority(
  folder: string,
  nowMs: number,
): Promise<{ authority: KeyedCertificate; isNew: boolean }> {
  const paths = { certificate: authorityPathOf(folder), key: join(folder, 'ca-key.pem') }
  const existing = await readUsable(paths)
  const verdict = decideRenewal(factsOf(existing), nowMs, AUTHORITY_RENEW_BELOW_MS)
  if (existing !== undefined && verdict === 'keep') return { authority: existing, isNew: false }
  const authority = await createAuthority({ nowMs, lifetimeMs: AUTHORITY_LIFETIME_MS })
  await writePair(paths, authority)
  return { authority, isNew: true }
}

function leavesOf(regionIds: readonly string[]): ReadonlyMap<string, LeafRequest> {
  const leaves = new Map<string, LeafRequest>()
  leaves.set('public', { ...LOOPBACK, commonName: 'localhost', usages: ['server'] })
  leaves.set('gateway', leafOf('gateway', { role: 'gateway' }))
  for (const region of regionIds) {
    for (const role of ['ingress', 'worker', 'nats'] as const) {
      const name = `${region}-${role}`
      leaves.set(name, leafOf(name, { role, region }))
    }
  }
  return leaves
}

const LOOPBACK = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] } as const

function leafOf(commonName: string, identity: Identity): LeafRequest {
  const uri = encodeIdentity(TRUST_DOMAIN, identity)
  return { ...LOOPBACK, commonName, uri, usages: ['server', 'client'] }
}

/** Reads a pair that belongs together and, when an authority is given, was signed by it. */
async function readUsable(
  paths: CertificatePaths,
  authority?: KeyedCertificate,
): Promise<KeyedCertificate | undefined> {
  try {
    const certificatePem = await readFile(paths.certificate, 'utf8')
    const keyPem = await readFile(paths.key, 'utf8')
    const certificate = new X509Certificate(certificatePem)
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return undefined
    const issuer = authority && new X509Certificate(authority.certificatePem)
    if (issuer !== undefined && !certificate.verify(issuer.publicKey)) return undefined
    return { certificatePem, keyPem }
  } catch {
    return undefined // Absent or damaged: both are mended by a new one.
  }
}

function factsOf(pair: KeyedCertificate | undefined): CertificateFacts {
  if (pair === undefined) return { kind: 'unusable' }
  return {
    kind: 'usable',
    notAfterMs: Date.parse(new X509Certificate(pair.certificatePem).validTo),
  }
}

async function writePair(paths: CertificatePaths, pair: KeyedCertificate): Promise<void> {
  await writeFileAtomically(paths.key, pair.keyPem, 0o600)
  await writeFileAtomically(paths.certificate, pair.certificatePem, 0o644)
}

async function writeFileAtomically(path: string, text: string, mode: number): Promise<void> {
  const half = `${path}.${process.pid}`
  await using file = await open(half, 'w', mode)
  await file.writeFile(text)
  await file.sync()
  await rename(half, path)
}
