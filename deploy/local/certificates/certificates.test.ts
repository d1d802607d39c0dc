// Goal: the certificates mean to strict verifiers what we mean by them.
// Method: real TLS 1.3 with client certificates in both directions, Node's parser, and OpenSSL's
// strict verification where it is installed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { createAuthority, issueLeaf, type KeyedCertificate } from './certificates.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.now()
const URI = 'spiffe://meridian.local/region/us-east/role/ingress'
const LEAF = {
  commonName: 'us-east-ingress',
  dnsNames: ['localhost'],
  ipAddresses: ['127.0.0.1', '::1'],
  uri: URI,
  usages: ['server', 'client'],
} as const

const authority = await createAuthority({ nowMs: NOW_MS, lifetimeMs: 365 * DAY_MS })
const leaf = await issueLeaf(authority, LEAF, { nowMs: NOW_MS, lifetimeMs: DAY_MS })

test('a leaf lives for a day that began five minutes ago, and names its holder once', () => {
  const certificate = new X509Certificate(leaf.certificatePem)

  const startMs = Date.parse(certificate.validFrom)
  assert.equal(Date.parse(certificate.validTo) - startMs, DAY_MS)
  assert.ok(Math.abs(NOW_MS - 5 * 60_000 - startMs) < 1_000) // Certificates know no milliseconds.
  assert.equal(
    certificate.subjectAltName,
    `DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:${URI}`,
  )
  assert.equal(certificate.ca, false)
  assert.equal(new X509Certificate(authority.certificatePem).ca, true)
})

test('every leaf has a key and a serial number of its own', async () => {
  const other = await issueLeaf(authority, LEAF, { nowMs: NOW_MS, lifetimeMs: DAY_MS })

  assert.notEqual(other.keyPem, leaf.keyPem)
  const serials = [leaf, other].map((pair) => new X509Certificate(pair.certificatePem).serialNumber)
  assert.notEqual(serials[0], serials[1])
})

test('two holders of leaves recognise each other over TLS 1.3, both ways', async () => {
  const { server, client } = await shakeHands(leaf, leaf)

  assert.deepEqual(server, { authorized: true, subjectAltName: client.subjectAltName })
  assert.equal(client.protocol, 'TLSv1.3')
  assert.match(client.subjectAltName ?? '', new RegExp(`URI:${URI}$`))
})

test('a leaf of another authority is refused by both sides', async () => {
  const stranger = await createAuthority({ nowMs: NOW_MS, lifetimeMs: DAY_MS })
  const foreign = await issueLeaf(stranger, LEAF, { nowMs: NOW_MS, lifetimeMs: DAY_MS })

  await assert.rejects(shakeHands(foreign, leaf), /unable to verify|signature failure/)
  await assert.rejects(shakeHands(leaf, foreign), /ECONNRESET|alert|hang up|closed/)
})

test('a leaf for servers only is refused as a client', async () => {
  const serverOnly = await issueLeaf(
    authority,
    { ...LEAF, usages: ['server'] },
    { nowMs: NOW_MS, lifetimeMs: DAY_MS },
  )

  await shakeHands(serverOnly, leaf)
  await assert.rejects(shakeHands(leaf, serverOnly), /ECONNRESET|alert|hang up|closed/)
})

test('OpenSSL verifies a leaf by its strictest rules', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed')
  await using folder = await makeTemporaryFolder(tmpdir())
  const ca = join(folder.path, 'ca.pem')
  const certificate = join(folder.path, 'leaf.pem')
  await writeFile(ca, authority.certificatePem)
  await writeFile(certificate, leaf.certificatePem)

  const options = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'localhost']
  const verified = spawnSync('openssl', ['verify', ...options, '-CAfile', ca, certificate])

  assert.equal(verified.status, 0, verified.stderr.toString())
})

/** One connection with client certificates; what each side knows of the other. */
async function shakeHands(serverPair: KeyedCertificate, clientPair: KeyedCertificate) {
  const ca = authority.certificatePem
  await using server = createServer({
    cert: serverPair.certificatePem,
    key: serverPair.keyPem,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  })
  server.on('tlsClientError', () => {}) // The client's view of it is what the tests look at.
  const accepted = once(server, 'secureConnection')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const socket = connect({
    host: '127.0.0.1',
    port: address.port,
    ca,
    cert: clientPair.certificatePem,
    key: clientPair.keyPem,
    servername: 'localhost',
  })
  try {
    await once(socket, 'secureConnect')
    // In TLS 1.3 a client is through before the server has looked at its certificate.
    const refused = once(socket, 'close').then(() => {
      throw new Error('closed by the server')
    })
    const [peer] = (await Promise.race([accepted, refused])) as [TLSSocket]
    const seen = {
      server: {
        authorized: peer.authorized,
        subjectAltName: peer.getPeerX509Certificate()?.subjectAltName,
      },
      client: {
        protocol: socket.getProtocol(),
        subjectAltName: socket.getPeerX509Certificate()?.subjectAltName,
      },
    }
    refused.catch(() => {})
    return seen
  } finally {
    socket.destroy()
  }
}
