import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { decodeIdentity } from '#wire/identity.ts'
import { makeCertificates } from './certificates.ts'

test('each good certificate is signed by the authority and names exactly its holder', async () => {
  await using certificates = await makeCertificates({ regions: ['eu-central', 'us-east'] })
  const { ca, gateway, ingress, worker, nats, trustDomain } = certificates

  const holders = [gateway, ingress['eu-central'], worker['us-east'], nats['us-east']].map(
    (leaf) => {
      const certificate = new X509Certificate(leaf.cert)
      assert.ok(certificate.verify(new X509Certificate(ca.cert).publicKey))
      return decodeIdentity(certificate.subjectAltName, trustDomain)
    },
  )

  assert.deepEqual(holders, [
    { role: 'gateway' },
    { role: 'ingress', region: 'eu-central' },
    { role: 'worker', region: 'us-east' },
    { role: 'nats', region: 'us-east' },
  ])
})

test('each bad certificate is bad in its own way', async () => {
  await using certificates = await makeCertificates({ regions: ['eu-central'] })
  const { bad, ca, trustDomain } = certificates
  const read = (leaf: { cert: string }): X509Certificate => new X509Certificate(leaf.cert)
  const nameOf = (leaf: { cert: string }) => decodeIdentity(read(leaf).subjectAltName, trustDomain)

  assert.ok(!read(bad.wrongCa).verify(new X509Certificate(ca.cert).publicKey))
  assert.equal(nameOf(bad.wrongRole)?.role, 'worker')
  assert.equal(nameOf(bad.wrongTrustDomain), undefined)
  assert.equal(read(bad.twoUris).subjectAltName?.match(/URI:/g)?.length, 2)
  assert.equal(nameOf(bad.noUri), undefined)
  assert.ok(Date.parse(read(bad.expired).validTo) < Date.now())
  assert.ok(Date.parse(read(bad.notYetValid).validFrom) > Date.now())
})

test('the files hold the same texts, keys are private, all are removed at the end', async () => {
  const certificates = await makeCertificates({ regions: ['eu-central'] })
  const { certFile, keyFile, cert } = certificates.publicLocalhost

  assert.equal(readFileSync(certFile, 'utf8'), cert)
  assert.equal(statSync(keyFile).mode & 0o777, 0o600)
  await certificates[Symbol.asyncDispose]()
  assert.ok(!existsSync(keyFile))
})
