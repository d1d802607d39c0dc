import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerHeartbeatSubject, workerOfflineSubject } from '#wire/subjects.ts'
import { WIRE } from '#wire/version.ts'
import { decodeWorkerHeartbeat, type WorkerHeartbeat } from '#wire/worker-heartbeat.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startHeartbeats } from './heartbeats.ts'

test('the first heartbeat is said at once and can be read', () => {
  using worker = start()

  assert.equal(worker.said.length, 1)
  assert.equal(worker.said[0]?.subject, workerHeartbeatSubject('w1'))
  assert.deepEqual(decodeWorkerHeartbeat(worker.said[0]?.text ?? '', 'w1'), heartbeatOf(0))
})

test('many changes at once make one further heartbeat, with the last of them', async () => {
  using worker = start()
  for (let busy = 1; busy <= 100; busy += 1) {
    worker.state.busy = busy
    worker.beats.soon()
  }
  await eventually('the change is said', () => worker.said.length > 1)

  assert.equal(worker.said.length, 2)
  assert.equal(JSON.parse(worker.said[1]?.text ?? '').busy, 100)
})

test('without a change a heartbeat is said every second', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  using worker = start()
  t.mock.timers.tick(3_000)

  assert.equal(worker.said.length, 4)
})

test('the return of NATS is a change', async () => {
  using worker = start()
  worker.connectionChanges()

  await eventually('a heartbeat is said', () => worker.said.length > 1)
})

test('a worker that leaves says so once, and nothing after it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  using worker = start()
  worker.beats.soon()
  worker.beats.leave()
  worker.beats.leave()
  worker.beats.soon()
  t.mock.timers.tick(5_000)

  assert.deepEqual(
    worker.said.map(({ subject }) => subject),
    [workerHeartbeatSubject('w1'), workerOfflineSubject('w1')],
  )
})

function start() {
  const said: { subject: string; text: string }[] = []
  const state = { busy: 0 }
  let connectionChanges = (): void => undefined
  const beats = startHeartbeats({
    nats: {
      publish: (subject, data) => said.push({ subject, text: String(data) }) > 0,
      onConnectionChange: (handle) => {
        connectionChanges = () => handle(true)
      },
    },
    workerId: 'w1',
    read: () => heartbeatOf(state.busy),
  })
  return {
    said,
    state,
    beats,
    connectionChanges: () => connectionChanges(),
    [Symbol.dispose]: () => beats.leave(),
  }
}

function heartbeatOf(busy: number): WorkerHeartbeat {
  return {
    worker: 'w1',
    version: '0.1.0',
    wire: WIRE,
    queues: ['cpu'],
    healthy: true,
    draining: false,
    slots: 100,
    busy,
    processed: 0,
    modelServer: { kind: 'ollama', version: '0.13.5' },
    models: {},
  }
}
