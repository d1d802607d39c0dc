import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRegionFailure } from '#wire/error-codes.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startFakeIngress } from '../../test/support/fake-ingress.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { startWorkerRegion } from '../../test/support/worker-region.ts'
import { parseWorkerConfig } from './config.ts'
import { startWorker } from './start-worker.ts'

test('a worker is ready when NATS and Ollama have answered', async () => {
  await using region = await startWorkerRegion((call) => call.done())

  const response = await fetch(`${region.worker.adminUrl}/readyz`)

  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { ready: true, reasons: [] })
})

test('a draining worker ends what runs and takes nothing new', async () => {
  const finish = Promise.withResolvers<void>()
  await using region = await startWorkerRegion(async (call) => {
    call.say('one')
    await finish.promise
    call.done()
  })
  const running = region.ingress.publish()
  await running.frame('delta')

  const drained = region.worker.drain()
  await eventually('it says that it drains', () => region.ingress.heartbeats.at(-1)?.draining)
  const late = region.ingress.publish()
  await region.untilMetric('meridian_worker_pulls_total', { event: 'returned' }, 1)
  finish.resolve()
  await drained

  assert.equal((await running.end()).type, 'done')
  assert.deepEqual(late.types(), [])
  await eventually('it has left', () => region.ingress.offline.includes(region.worker.id))
  await assert.rejects(fetch(`${region.worker.adminUrl}/livez`))
})

test('work that a draining worker gives back runs at once at another one', async () => {
  const finish = Promise.withResolvers<void>()
  await using region = await startWorkerRegion(async (call) => {
    call.say('one')
    if (region.ollama.calls.length === 1) await finish.promise
    call.done()
  })
  await region.ingress.publish().frame('delta')
  const drained = region.worker.drain()
  await using other = await startWorker(parseWorkerConfig(region.env))
  await eventually('the other one is healthy', () => {
    return region.ingress.heartbeats.find(({ worker, healthy }) => worker === other.id && healthy)
  })

  const attempts = Array.from({ length: 6 }, () => region.ingress.publish())
  for (const attempt of attempts) assert.equal((await attempt.end()).type, 'done')

  finish.resolve()
  await drained
})

test('a drain that takes too long ends what still runs as lost', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'), {
    env: { WORKER_DRAIN_MS: '100' },
  })
  const attempt = region.ingress.publish()
  await attempt.frame('delta')

  await region.worker.drain()

  const end = await attempt.end()
  assert.equal(decodeRegionFailure(end.payload.toString()).code, 'worker-lost')
})

test('closing and draining may be done twice, in any order', async () => {
  await using region = await startWorkerRegion((call) => call.done())

  await Promise.all([region.worker.drain(), region.worker.close(), region.worker.drain()])
  await region.worker.close()
})

test('an admin port that is taken keeps the worker from starting', async () => {
  await using region = await startWorkerRegion((call) => call.done())
  const { port } = new URL(region.worker.adminUrl)

  await assert.rejects(startWorker(parseWorkerConfig({ ...region.env, WORKER_ADMIN_PORT: port })), {
    code: 'EADDRINUSE',
  })
})

test('an identity that NATS refuses keeps the worker from starting', async () => {
  await using server = await startNatsServer({
    config: 'authorization { user: someone, password: secret }',
  })
  const config = parseWorkerConfig({
    REGION_ID: 'eu-test',
    WORKER_ADMIN_PORT: '0',
    NATS_URL: server.url,
    LOG_LEVEL: 'error',
  })

  await assert.rejects(startWorker(config))
})

test('a worker shows itself to the ingress under the id that it was given', async () => {
  await using region = await startWorkerRegion((call) => call.done(), { env: { WORKER_ID: 'w7' } })
  await using ingress = await startFakeIngress({ natsUrl: region.nats.url })

  await eventually('it is heard', () => ingress.heartbeats.at(-1)?.worker === 'w7')
  assert.equal(region.worker.id, 'w7')
})
