import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { pollUntil } from '../supervise/poll.ts'
import { certificatePathsOf } from './certificate-files.ts'
import { keepCertificates } from './keep-certificates.ts'

const HOUR_MS = 3_600_000

test('certificates are there at once, and renewed at half-life while it runs', async (t) => {
  await using folder = await makeTemporaryFolder(tmpdir())
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.parse('2026-03-01T12:00:00Z') })
  const said: string[] = []
  using _keeper = await keepCertificates(folder.path, ['us-east'], (line) => said.push(line))
  const { certificate } = certificatePathsOf(folder.path, 'gateway')
  const first = await readFile(certificate, 'utf8')

  t.mock.timers.setTime(Date.now() + 13 * HOUR_MS)
  t.mock.timers.tick(10 * 60_000)
  await pollUntil(() => said[0], { timeoutMs: 10_000, everyMs: 5 })

  assert.match(said[0] ?? '', /^renewed the certificates of public, gateway, us-east-ingress/)
  assert.notEqual(await readFile(certificate, 'utf8'), first)
})

test('what still serves is left alone while something else is mended', async (t) => {
  await using folder = await makeTemporaryFolder(tmpdir())
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.parse('2026-03-01T12:00:00Z') })
  const said: string[] = []
  using _keeper = await keepCertificates(folder.path, ['us-east'], (line) => said.push(line))
  const { certificate } = certificatePathsOf(folder.path, 'gateway')
  const first = await readFile(certificate, 'utf8')

  await rm(certificatePathsOf(folder.path, 'us-east-nats').key)
  t.mock.timers.tick(10 * 60_000)
  await pollUntil(() => said[0], { timeoutMs: 10_000, everyMs: 5 })

  assert.deepEqual(said, ['renewed the certificates of us-east-nats'])
  assert.equal(await readFile(certificate, 'utf8'), first)
})
