// Makes the certificates of the inner links, good ones and each kind of bad one, without a file of
// anybody's: an authority that lives as long as the test.

import 'reflect-metadata' // @peculiar/x509 needs it before its own import.
import type { webcrypto } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { encodeIdentity, type Identity } from '#wire/identity.ts'

/** A certificate and its key, as PEM texts and as files. */
export interface Leaf {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface Certificates<Region extends string> extends AsyncDisposable {
  readonly trustDomain: string
  readonly ca: { readonly cert: string; readonly certFile: string }
  readonly gateway: Leaf
  /** One for each region. */
  readonly ingress: Readonly<Record<Region, Leaf>>
  readonly worker: Readonly<Record<Region, Leaf>>
  /** For a nats-server at 127.0.0.1, one for each region. */
  readonly nats: Readonly<Record<Region, Leaf>>
  /** For `localhost` and 127.0.0.1, as a public listener has it; the same authority. */
  readonly publicLocalhost: Leaf
  readonly bad: {
    /** A gateway by name, signed by somebody else. */
    readonly wrongCa: Leaf
    /** A worker of the first region, where a gateway is wanted. */
    readonly wrongRole: Leaf
    readonly wrongTrustDomain: Leaf
    /** A gateway and an ingress at once. */
    readonly twoUris: Leaf
    readonly noUri: Leaf
    readonly expired: Leaf
    readonly notYetValid: Leaf
  }
}

export interface CertificatesOptions<Region extends string> {
  readonly regions: readonly [Region, ...Region[]]
  readonly trustDomain?: string
}

const HOUR_MS = 3_600_000
const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Makes them all. Whoever calls disposes of them, which removes the files. */
export async function makeCertificates<Region extends string>(
  options: CertificatesOptions<Region>,
): Promise<Certificates<Region>> {
  const { regions, trustDomain = 'meridian.local' } = options
  const folder = await mkdtemp(join(tmpdir(), 'meridian-certificates-'))
  const authority = await makeAuthority('meridian test')
  const stranger = await makeAuthority('somebody else')
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, authority.certificate.toString('pem'))

  const leaf = (name: string, spec: LeafSpec, by = authority): Promise<Leaf> =>
    makeLeaf(folder, name, spec, by)
  const uri = (identity: Identity, domain = trustDomain): SubjectName => ({
    type: 'url',
    value: encodeIdentity(domain, identity),
  })
  const forRegions = async (role: 'ingress' | 'worker' | 'nats', more: readonly SubjectName[]) => {
    const leaves = regions.map(async (region): Promise<[Region, Leaf]> => {
      return [region, await leaf(`${role}-${region}`, { names: [uri({ role, region }), ...more] })]
    })
    return Object.fromEntries(await Promise.all(leaves)) as Record<Region, Leaf>
  }
  const gateway = uri({ role: 'gateway' })
  const [region] = regions
  const nowMs = Date.now()
  return {
    trustDomain,
    ca: { cert: authority.certificate.toString('pem'), certFile: caFile },
    gateway: await leaf('gateway', { names: [gateway] }),
    ingress: await forRegions('ingress', []),
    worker: await forRegions('worker', []),
    nats: await forRegions('nats', LOCALHOST),
    publicLocalhost: await leaf('localhost', { names: LOCALHOST }),
    bad: {
      wrongCa: await leaf('wrong-ca', { names: [gateway] }, stranger),
      wrongRole: await leaf('wrong-role', { names: [uri({ role: 'worker', region })] }),
      wrongTrustDomain: await leaf('wrong-domain', {
        names: [uri({ role: 'gateway' }, 'elsewhere.local')],
      }),
      twoUris: await leaf('two-uris', { names: [gateway, uri({ role: 'ingress', region })] }),
      noUri: await leaf('no-uri', { names: LOCALHOST }),
      expired: await leaf('expired', { names: [gateway], untilMs: nowMs - HOUR_MS }),
      notYetValid: await leaf('not-yet', { names: [gateway], fromMs: nowMs + HOUR_MS }),
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

interface SubjectName {
  readonly type: 'dns' | 'ip' | 'url'
  readonly value: string
}

const LOCALHOST: readonly SubjectName[] = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
]

interface Authority {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

async function makeAuthority(name: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: KEY,
    notBefore: new Date(Date.now() - 48 * HOUR_MS),
    notAfter: new Date(Date.now() + 48 * HOUR_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  return { certificate, keys }
}

interface LeafSpec {
  readonly names: readonly SubjectName[]
  readonly fromMs?: number
  readonly untilMs?: number
}

async function makeLeaf(
  folder: string,
  name: string,
  { names, fromMs = Date.now() - 24 * HOUR_MS, untilMs = Date.now() + 24 * HOUR_MS }: LeafSpec,
  authority: Authority,
): Promise<Leaf> {
  const keys = await crypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: KEY,
    notBefore: new Date(fromMs),
    notAfter: new Date(untilMs),
    extensions: [
      new SubjectAlternativeNameExtension([...names]),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    ],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  const leaf = {
    cert: certificate.toString('pem'),
    key: PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    certFile: join(folder, `${name}.pem`),
    keyFile: join(folder, `${name}-key.pem`),
  }
  await writeFile(leaf.certFile, leaf.cert)
  await writeFile(leaf.keyFile, leaf.key, { mode: 0o600 })
  return leaf
}
