// The parts joined, without a listener; what they do together is in `start-ingress.test.ts` and
// `handle-work.test.ts`.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { frameInboxPrefix } from '#wire/subjects.ts'
import { environmentOf } from '../../test/support/bare-region.ts'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { startScriptedWorker } from '../../test/support/scripted-worker.ts'
import { connectNats } from '../nats-connection.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { parseConfig } from './config.ts'
import { Ingress } from './ingress.ts'
import { Lane } from './lane.ts'

const certificates = await makeCertificates({ regions: ['eu-central'] })
after(() => certificates[Symbol.asyncDispose]())

async function openBench() {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startNatsServer({ jetstream: true }))
  const config = parseConfig(environmentOf(certificates, server.url), 'i1')
  const nats = await connectNats({ ...config.nats, name: 't', inboxPrefix: frameInboxPrefix('i1') })
  opened.defer(() => nats.close())
  const out = { write() {} }
  const log = createLog({ role: 'ingress', region: 'r1', id: 'i1', level: 'error', out })
  const now = (): number => performance.now()
  const plan = { queues: config.queues, queueMessagesMax: config.queueMessagesMax, replicas: 1 }
  const lane = new Lane({ nats, plan, log, now })
  const metrics = createMetrics('ingress')
  const ingress = opened.use(new Ingress({ config, nats, lane, metrics, log, now }))
  const all = opened.move()
  return { server, lane, metrics, ingress, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

test('an ingress says all that keeps it from serving, and makes its streams itself', async () => {
  await using bench = await openBench()
  const { server, ingress } = bench
  assert.deepEqual(ingress.readiness(), {
    ready: false,
    reasons: ['streams-unknown', 'no-healthy-worker'],
  })

  await using worker = await startScriptedWorker({ natsUrl: server.url })
  await eventually('it can serve', () => {
    worker.beat()
    return ingress.readiness().ready
  })

  assert.deepEqual(ingress.readiness(), { ready: true, reasons: [] })
})

test('a drain with nothing in flight is over at once and leaves it not ready', async () => {
  await using bench = await openBench()

  await bench.ingress.drain()

  assert.ok(bench.ingress.readiness().reasons.includes('draining'))
})

test('each limit shows how near it is', async () => {
  await using bench = await openBench()

  const text = await bench.metrics.text()

  for (const limit of [
    'queue:cpu',
    'queue:gpu',
    'bodies',
    'connections',
    'withdrawals',
    'workers',
  ]) {
    assert.match(text, new RegExp(`meridian_ingress_limit_ratio{limit="${limit}"[^}]*} 0\n`))
  }
})
