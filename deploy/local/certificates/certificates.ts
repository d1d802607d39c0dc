// The door of @peculiar/x509: a certificate authority for one machine and the leaves it signs. The
// library finds its classes by decorators and needs reflect-metadata before it is loaded.

import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** Clocks of virtual machines lag: a certificate is valid a little before it is made. */
export const BACKDATED_MS = 5 * 60_000

/** A certificate with its private key, both PEM. */
export interface KeyedCertificate {
  readonly certificatePem: string
  readonly keyPem: string
}

/** What one leaf says of its holder. */
export interface LeafRequest {
  readonly commonName: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  /** The SPIFFE-style identity; at most one, because two would name nobody. */
  readonly uri?: string
  readonly usages: readonly ('server' | 'client')[]
}

/** From when and for how long a certificate is made, in ms since 1970 and in ms. */
export interface Validity {
  readonly nowMs: number
  readonly lifetimeMs: number
}

/** Makes a self-signed authority that may sign leaves only. */
export async function createAuthority(validity: Validity): Promise<KeyedCertificate> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Meridian local CA',
    keys,
    signingAlgorithm: ALGORITHM,
    ...periodOf(validity),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificatePem: pem(certificate), keyPem: await exportKey(keys.privateKey) }
}

/**
 * Signs a leaf with a key of its own. Its life, `lifetimeMs`, begins `BACKDATED_MS` before `nowMs`.
 *
 * @throws when the authority's key is no P-256 key.
 */
export async function issueLeaf(
  authority: KeyedCertificate,
  request: LeafRequest,
  validity: Validity,
): Promise<KeyedCertificate> {
  const issuer = new x509.X509Certificate(authority.certificatePem)
  const keys = await generateKeys()
  const usages = request.usages.map((usage) =>
    usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
  )
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${request.commonName}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.keyPem),
    signingAlgorithm: ALGORITHM,
    ...periodOf(validity),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      new x509.SubjectAlternativeNameExtension([
        ...request.dnsNames.map((value) => ({ type: 'dns', value }) as const),
        ...request.ipAddresses.map((value) => ({ type: 'ip', value }) as const),
        ...(request.uri === undefined ? [] : [{ type: 'url', value: request.uri } as const]),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return { certificatePem: pem(certificate), keyPem: await exportKey(keys.privateKey) }
}

function periodOf({ nowMs, lifetimeMs }: Validity): { notBefore: Date; notAfter: Date } {
  const startMs = nowMs - BACKDATED_MS
  return { notBefore: new Date(startMs), notAfter: new Date(startMs + lifetimeMs) }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function importKey(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(keyPem)
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag)}\n`
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
