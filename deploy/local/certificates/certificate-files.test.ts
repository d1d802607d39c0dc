import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeIdentity } from '#wire/identity.ts'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import {
  authorityPathOf,
  certificatePathsOf,
  ensureCertificates,
  TRUST_DOMAIN,
} from './certificate-files.ts'

const HOUR_MS = 3_600_000
const NOW_MS = Date.parse('2026-03-01T12:00:00Z')
const REGIONS = ['us-east', 'eu-central']
const LEAVES = [
  'public',
  'gateway',
  'us-east-ingress',
  'us-east-worker',
  'us-east-nats',
  'eu-central-ingress',
  'eu-central-worker',
  'eu-central-nats',
]

test('a fresh folder gets an authority and a leaf for everybody', async () => {
  await using lab = await makeTemporaryFolder(tmpdir())
  const folder = join(lab.path, 'certs')

  assert.deepEqual(await ensureCertificates(folder, REGIONS, NOW_MS), ['ca', ...LEAVES])

  const files = ['ca', ...LEAVES].flatMap((name) => [`${name}-key.pem`, `${name}.pem`])
  assert.deepEqual((await readdir(folder)).sort(), files.sort())
})

test('keys are for their owner only, and so is the folder', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())

  await ensureCertificates(folder.path, ['us-east'], NOW_MS)

  const modeOf = async (name: string) => (await stat(join(folder.path, name))).mode & 0o777
  assert.equal(await modeOf('.'), 0o700)
  for (const name of await readdir(folder.path)) {
    assert.equal(await modeOf(name), name.endsWith('-key.pem') ? 0o600 : 0o644, name)
  }
})

test('each leaf carries the one identity of its role and region, the public one none', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await ensureCertificates(folder.path, ['us-east'], NOW_MS)

  const identityOf = async (name: string) => {
    const { certificate } = certificatePathsOf(folder.path, name)
    const { subjectAltName } = new X509Certificate(await readFile(certificate))
    return decodeIdentity(subjectAltName, TRUST_DOMAIN)
  }

  assert.deepEqual(await identityOf('gateway'), { role: 'gateway' })
  assert.deepEqual(await identityOf('us-east-ingress'), { role: 'ingress', region: 'us-east' })
  assert.deepEqual(await identityOf('us-east-worker'), { role: 'worker', region: 'us-east' })
  assert.deepEqual(await identityOf('us-east-nats'), { role: 'nats', region: 'us-east' })
  assert.equal(await identityOf('public'), undefined)
})

test('leaves past half of their life are renewed, the authority is not', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const { path } = folder
  await ensureCertificates(path, ['us-east'], NOW_MS)
  const ca = await readFile(authorityPathOf(path), 'utf8')
  // A leaf begins five minutes before it is made.
  const halfLifeMs = NOW_MS + 12 * HOUR_MS - 5 * 60_000

  assert.deepEqual(await ensureCertificates(path, ['us-east'], halfLifeMs), [])
  const written = await ensureCertificates(path, ['us-east'], halfLifeMs + 1)

  assert.deepEqual(written, LEAVES.slice(0, 5))
  assert.equal(await readFile(authorityPathOf(path), 'utf8'), ca)
})

test('an authority in its last month is replaced, and every leaf with it', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await ensureCertificates(folder.path, REGIONS, NOW_MS)

  const written = await ensureCertificates(folder.path, REGIONS, NOW_MS + 336 * 24 * HOUR_MS)

  assert.deepEqual(written, ['ca', ...LEAVES])
})

test('a region that comes later gets its leaves from the same authority', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await ensureCertificates(folder.path, ['us-east'], NOW_MS)

  const written = await ensureCertificates(folder.path, REGIONS, NOW_MS)

  assert.deepEqual(written, LEAVES.slice(5))
})

test('only what is damaged, mixed up or of another authority is made anew', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await using foreign = await makeTemporaryFolder(tmpdir())
  await ensureCertificates(folder.path, REGIONS, NOW_MS)
  await ensureCertificates(foreign.path, REGIONS, NOW_MS)
  const fileOf = (name: string) => certificatePathsOf(folder.path, name)
  const stranger = certificatePathsOf(foreign.path, 'us-east-nats')

  await truncate(fileOf('gateway').certificate, 100)
  await writeFile(fileOf('us-east-ingress').key, 'no key')
  await copyFile(fileOf('us-east-nats').key, fileOf('us-east-worker').key)
  await copyFile(stranger.certificate, fileOf('eu-central-nats').certificate)
  await copyFile(stranger.key, fileOf('eu-central-nats').key)

  assert.deepEqual(await ensureCertificates(folder.path, REGIONS, NOW_MS), [
    'gateway',
    'us-east-ingress',
    'us-east-worker',
    'eu-central-nats',
  ])
})
