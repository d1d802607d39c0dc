import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { decodeRegionFailure } from '#wire/error-codes.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startFakeIngress } from '../../test/support/fake-ingress.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { startScriptedOllama } from '../../test/support/scripted-ollama.ts'
import { startWorkerRegion } from '../../test/support/worker-region.ts'
import { connectNats } from '../nats-connection.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { parseWorkerConfig } from './config.ts'
import { ConnectedWorker } from './connected-worker.ts'

test('a hundred pieces of work never use more slots than there are, and all are done', async () => {
  let open = 0
  let openMax = 0
  await using region = await startWorkerRegion(
    async (call) => {
      open += 1
      openMax = Math.max(openMax, open)
      call.say('one')
      await new Promise((resolve) => setImmediate(resolve))
      open -= 1
      call.done()
    },
    { env: { WORKER_SLOTS: '3' } },
  )
  const attempts = Array.from({ length: 100 }, (_, at) =>
    region.ingress.publish({ queue: at % 2 === 0 ? 'cpu' : 'gpu' }),
  )

  for (const attempt of attempts) assert.equal((await attempt.end()).type, 'done')

  assert.ok(openMax <= 3, `${openMax} calls at once`)
  assert.equal(region.ollama.calls.length, 100)
  assert.ok(region.ingress.heartbeats.every(({ busy, slots }) => busy <= slots))
  await eventually('all slots are free', () => region.ingress.heartbeats.at(-1)?.busy === 0)
})

test('a heartbeat says at once that a slot is taken, and that it is free again', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'))
  const attempt = region.ingress.publish()
  await attempt.frame('started')
  await eventually('one is busy', () => region.ingress.heartbeats.at(-1)?.busy === 1)

  region.ingress.command(region.worker.id, 'cancel', attempt.workId)

  const last = await eventually('none is busy', () => {
    const beat = region.ingress.heartbeats.at(-1)
    return beat?.busy === 0 && beat
  })
  assert.deepEqual(Object.keys(last.models), ['m:latest'])
  assert.deepEqual([last.slots, last.processed, last.healthy, last.draining], [2, 1, true, false])
})

test('while Ollama is away work waits in the queue, and it runs when Ollama is back', async () => {
  await using region = await startWorkerRegion((call) => call.done())
  await region.ollama.close()
  await eventually('the worker says that it is not healthy', () => {
    return region.ingress.heartbeats.at(-1)?.healthy === false
  })
  const attempt = region.ingress.publish()
  await eventually('the queue has it', () => attempt.receipt !== '')

  await using again = await startScriptedOllama((call) => call.done(), { port: region.ollama.port })

  assert.equal((await attempt.end()).type, 'done')
  assert.equal(again.calls.length, 1)
})

test('after a restart of NATS the worker takes work again', async () => {
  await using region = await startWorkerRegion((call) => call.done())

  await region.nats.restart()
  await eventually('the ingress is back', () => region.ingress.nats.isConnected)
  await region.ingress.ensureStreams()

  assert.equal((await region.ingress.publish().end()).type, 'done')
})

test('an answer survives a short loss of the link to NATS, without a gap', async () => {
  await using server = await startNatsServer({ jetstream: true })
  await using link = await startLink(server.port)
  const away = Promise.withResolvers<void>()
  await using ollama = await startScriptedOllama(async (call) => {
    call.say('one')
    await away.promise
    call.say('two')
    call.done()
  })
  await using ingress = await startFakeIngress({ natsUrl: server.url })
  await using worker = await start(link.url, ollama.url)
  const attempt = ingress.publish()
  await attempt.frame('delta')

  link.cut()
  await eventually('the loss is noticed', () => !worker.readiness().ready)
  away.resolve()
  await ollama.calls[0]?.closed
  link.heal()

  assert.equal((await attempt.end()).type, 'done')
  assert.deepEqual(attempt.types(), ['started', 'delta', 'delta', 'done'])
  assert.deepEqual(
    attempt.frames.map(({ sequence }) => sequence),
    [1, 2, 3, 4],
  )
})

test('a worker that is closed ends its work as lost, and says that it leaves', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'))
  const attempt = region.ingress.publish()
  await attempt.frame('delta')

  await region.worker.close()

  const failure = decodeRegionFailure((await attempt.end()).payload.toString())
  assert.deepEqual([failure.code, failure.workStarted], ['worker-lost', 'yes'])
  await region.ollama.calls[0]?.closed
  await eventually('it has left', () => region.ingress.offline.includes(region.worker.id))
})

test('readiness names what is missing', async () => {
  await using server = await startNatsServer({ jetstream: true })
  await using worker = await start(server.url, 'http://127.0.0.1:1')

  assert.deepEqual(worker.readiness(), { ready: false, reasons: ['ollama-silent'] })
  await server.stop()
  await eventually('NATS is missed', () => worker.readiness().reasons.includes('nats-away'))
})

/** A worker without its admin listener. */
async function start(natsUrl: string, ollamaUrl: string) {
  const config = parseWorkerConfig({
    REGION_ID: 'eu-test',
    NATS_URL: natsUrl,
    OLLAMA_HOST: ollamaUrl,
  })
  const log = createLog({ role: 'worker', region: 'eu-test', id: config.workerId, level: 'error' })
  const nats = await connectNats(config.nats)
  const worker = new ConnectedWorker({ config, log, metrics: createMetrics('worker'), nats })
  return {
    readiness: () => worker.readiness(),
    [Symbol.asyncDispose]: () => worker.close(),
  }
}

/** A way to a port on this machine that can be cut and healed. */
async function startLink(toPort: number) {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) return near.destroy()
    const far = connect(toPort, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
    return near
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const cut = (): void => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    cut,
    heal: () => {
      isCut = false
    },
    [Symbol.asyncDispose]: async () => {
      cut()
      await once(server.close(), 'close')
    },
  }
}
