import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEARTBEAT_BYTES_MAX } from '#wire/worker-heartbeat.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { type ScriptedWorker, startScriptedWorker } from '../../test/support/scripted-worker.ts'
import { connectNats } from '../nats-connection.ts'
import { WorkerWatch } from './worker-watch.ts'

interface Bench extends AsyncDisposable {
  readonly watch: WorkerWatch
  readonly worker: ScriptedWorker
  /** Moves the clock and looks at it. */
  pass(ms: number): void
  /** Resolves when the watch has received all that the worker has sent. */
  settled(): Promise<void>
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const { url } = opened.use(await startNatsServer())
  const nats = await connectNats({ url, name: 'ingress', inboxPrefix: '_INBOX.ingress.i1' })
  opened.defer(() => nats.close())
  let nowMs = 0
  const watch = new WorkerWatch({ nats, queues: ['cpu'], now: () => nowMs })
  opened.defer(() => watch.close())
  let marks = 0
  nats.subscribe('mark', () => {
    marks += 1
  })
  await new Promise<void>((resolve) => {
    nats.subscribe('ready', () => resolve())
    nats.publish('ready', '') // The server has seen the subscriptions before this comes back.
  })
  const worker = opened.use(await startScriptedWorker({ natsUrl: url }))
  const all = opened.move()
  return {
    watch,
    worker,
    pass(ms) {
      nowMs += ms
      watch.sweep(nowMs)
    },
    async settled() {
      const before = marks
      worker.nats.publish('mark', '')
      await eventually('the mark has come', () => marks > before)
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

test('a worker that was unknown is read at once', async () => {
  await using bench = await openBench()
  const { watch, settled } = bench

  await settled()

  assert.equal(watch.view.healthyWorkers, 1)
  assert.equal(watch.view.queues.get('cpu')?.slots, 2)
})

test('of a worker that is known only the last word is read, at the next beat', async () => {
  await using bench = await openBench()
  const { watch, worker, settled, pass } = bench
  await settled()

  worker.beat({ busy: 1 })
  worker.beat({ busy: 2 })
  await settled()
  assert.equal(watch.view.queues.get('cpu')?.busy, 0)
  pass(100)

  assert.equal(watch.view.queues.get('cpu')?.busy, 2)
})

test('a worker that says that it leaves is gone at once', async () => {
  await using bench = await openBench()
  const { watch, worker, settled } = bench
  await settled()

  worker.beat({ busy: 1 })
  worker.goOffline()
  await settled()

  assert.equal(watch.view.healthyWorkers, 0)
  assert.equal(watch.size, 0)
})

test('the silence of all workers is noticed too', async () => {
  await using bench = await openBench()
  const { watch, worker, settled, pass } = bench
  await settled()
  worker.goOffline()
  worker.beat()
  await settled()

  pass(3_001)

  assert.equal(watch.view.healthyWorkers, 0)
})

test('what is malformed, too large or said in the name of another changes nothing', async () => {
  await using bench = await openBench()
  const { watch, worker, settled, pass } = bench
  await settled()
  const { nats } = worker

  nats.publish('event.worker-heartbeat.w1', '{"worker":"w1"}')
  nats.publish('event.worker-heartbeat.w1', Buffer.alloc(HEARTBEAT_BYTES_MAX + 1, ' '))
  nats.publish('event.worker-heartbeat.w2', '{')
  await settled()
  pass(100)

  assert.equal(watch.size, 1)
  assert.equal(watch.view.healthyWorkers, 1)
})
