// Goal: an ingress as a whole through its life: start, loss and return of NATS, drain, end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interactiveStreamPlan } from '#wire/streams.ts'
import {
  environmentOf,
  startBareRegion,
  startQuietIngress,
  untilReady,
} from '../../test/support/bare-region.ts'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsGreeter } from '../../test/support/nats-greeter.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { callRegion } from '../../test/support/region-caller.ts'
import { connectNats } from '../nats-connection.ts'
import { parseConfig } from './config.ts'
import { startIngress } from './start-ingress.ts'

async function readyz(adminUrl: string): Promise<readonly string[]> {
  const answer = await fetch(`${adminUrl}/readyz`)
  return ((await answer.json()) as { reasons: string[] }).reasons
}

test('an ingress without a worker listens, is not ready and says why', async () => {
  await using nats = await startNatsServer({ jetstream: true })
  await using certificates = await makeCertificates({ regions: ['eu-central'] })
  await using ingress = await startQuietIngress(environmentOf(certificates, nats.url))
  const { ca, gateway } = certificates
  using caller = callRegion({ url: ingress.url, ca: ca.cert, ...gateway })

  const report = await caller.report()

  assert.deepEqual(await readyz(ingress.adminUrl), ['no-healthy-worker'])
  assert.equal(report.ready, false)
  assert.equal(report.degradedReason, 'no-healthy-worker')
  assert.deepEqual(report.modelServer, { kind: 'none', version: '' })
  assert.deepEqual(await caller.models(), { models: [] })
  assert.equal((await fetch(`${ingress.adminUrl}/livez`)).status, 200)
})

test('a report tells of the region, and its number grows with each answer', async () => {
  await using region = await startBareRegion({ env: { INGRESS_ID: 'i7' } })

  const first = await region.gateway.report()
  const second = await region.gateway.report()
  const models = await region.gateway.models()

  assert.deepEqual([first.region, first.ingress, first.nonce], ['eu-central', 'i7', '0123abcd'])
  assert.ok(first.epoch <= Date.now() && first.epoch > Date.now() - 60_000)
  assert.deepEqual([first.seq, second.seq], [1, 2])
  assert.equal(first.ready, true)
  assert.deepEqual(first.accepts, { interactive: true, durable: false })
  assert.equal(first.modelServer.kind, 'stand-in')
  assert.equal(first.queues.cpu?.slots, 2)
  assert.deepEqual(Object.keys(first.models), ['qwen3:latest'])
  assert.deepEqual(
    models.models.map(({ name }) => name),
    ['qwen3:latest'],
  )
})

test('NATS that goes and comes back is survived, and what was there is told its fate', async () => {
  await using region = await startBareRegion()
  const { gateway, worker, nats } = region
  const running = gateway.work()
  const work = await worker.pull()
  work.start()
  await eventually('it runs', () => running.status === 200)
  const waiting = gateway.work()
  await eventually('another waits', () => waiting.interims > 0)

  await nats.kill()
  const [lost, given] = await Promise.all([running.end(), waiting.end()])
  const refused = await gateway.work().end()
  const away = await gateway.report()
  await nats.restart()
  await untilReady(region.ingress)
  await eventually('the worker is back', () => worker.nats.isConnected)
  const call = gateway.work()
  const next = await worker.pull()
  next.start()
  next.say('done', '{}')

  assert.deepEqual(lost.failure, { code: 'worker-lost', workStarted: 'yes', fault: 'region' })
  assert.equal(lost.fault, undefined)
  assert.deepEqual(given.failure, {
    code: 'not-accepting',
    workStarted: 'unknown',
    fault: 'region',
  })
  assert.deepEqual(refused.failure, { code: 'not-accepting', workStarted: 'no', fault: 'region' })
  assert.equal(away.accepts.interactive, false)
  assert.equal(away.degradedReason, 'nats-away')
  assert.equal((await call.end()).status, 200)
})

test('a stream that stands with another setting keeps an ingress from starting', async () => {
  await using server = await startNatsServer({ jetstream: true })
  await using certificates = await makeCertificates({ regions: ['eu-central'] })
  const nats = await connectNats({ url: server.url, name: 't', inboxPrefix: '_INBOX.t' })
  const plan = { queues: ['cpu', 'gpu'], queueMessagesMax: 5, replicas: 1 }
  await nats.ensureStream(interactiveStreamPlan(plan))
  await nats.close()

  const env = { ...environmentOf(certificates, server.url), LOG_LEVEL: 'error' }

  await assert.rejects(startIngress(parseConfig(env, 'i1')), {
    name: 'PlanDifference',
    message: 'stream INTERACTIVE exists with max_msgs_per_subject = 5, wanted 1024',
  })
})

for (const [fault, info, problem] of [
  ['has known holes', { version: '2.12.5' }, /nats-server 2.12.5: want 2.11.15/],
  ['takes no large frames', { version: '2.15.1', max_payload: 65_536 }, /max_payload 65536/],
] as const) {
  test(`in production a nats-server that ${fault} is refused`, async () => {
    await using greeter = await startNatsGreeter(info)
    await using certificates = await makeCertificates({ regions: ['eu-central'] })
    const env = { ...environmentOf(certificates, greeter.url), MERIDIAN_PRODUCTION: '1' }

    await assert.rejects(startQuietIngress(env), { name: 'ConfigError', message: problem })
  })
}

test('a drain refuses new work, says so and ends when the last work has ended', async () => {
  await using region = await startBareRegion()
  const { gateway, worker, ingress } = region
  const running = gateway.work()
  const work = await worker.pull()
  work.start()
  const waiting = gateway.work()
  await eventually('one waits', () => waiting.interims > 0)
  let isDrained = false

  const drained = ingress.drain().then(() => {
    isDrained = true
  })
  const refused = await gateway.work().end()
  const report = await gateway.report()
  const reasons = await readyz(ingress.adminUrl)
  const second = await worker.pull()
  second.start()
  second.say('done', '{}')
  await waiting.end()
  assert.equal(isDrained, false)
  work.say('done', '{}')
  await drained

  assert.deepEqual(refused.failure, { code: 'draining', workStarted: 'no', fault: 'region' })
  assert.equal(report.draining, true)
  assert.deepEqual(reasons, ['draining'])
  assert.equal((await running.end()).failure, undefined)
  assert.equal((await waiting.end()).status, 200)
})

test('a drain that takes too long ends what is left as draining', async () => {
  await using region = await startBareRegion({ env: { INGRESS_DRAIN_MS: '50' } })
  const { gateway, worker, ingress } = region
  const running = gateway.work()
  const work = await worker.pull()
  work.start()
  await eventually('one runs', () => running.status === 200)
  const waiting = gateway.work()
  await eventually('one waits', () => waiting.interims > 0)

  await ingress.drain()

  assert.deepEqual((await running.end()).failure, {
    code: 'draining',
    workStarted: 'yes',
    fault: 'region',
  })
  assert.deepEqual((await waiting.end()).failure, {
    code: 'draining',
    workStarted: 'no',
    fault: 'region',
  })
  await eventually('the worker is told', () => worker.commands[0]?.workId === work.workId)
})

test('an ingress that is closed frees its ports, also when it is closed twice', async () => {
  await using region = await startBareRegion()
  const { ingress, env } = region
  const call = region.gateway.work()
  const work = await region.worker.pull()
  work.start()
  await eventually('work runs', () => call.status === 200)

  await ingress.close()
  await ingress.close()
  await using again = await startQuietIngress({
    ...env,
    INGRESS_PORT: new URL(ingress.url).port,
    INGRESS_ADMIN_PORT: new URL(ingress.adminUrl).port,
  })

  assert.equal(again.url, ingress.url)
  await eventually('the worker is told to stop', () => region.worker.commands.length === 1)
})
