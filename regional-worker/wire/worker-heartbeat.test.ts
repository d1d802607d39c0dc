import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeWorkerHeartbeat,
  encodeWorkerHeartbeat,
  HEARTBEAT_BYTES_MAX,
  type WorkerHeartbeat,
} from './worker-heartbeat.ts'

const HEARTBEAT: WorkerHeartbeat = {
  worker: 'w1',
  version: '0.1.0',
  wire: { min: 1, max: 1 },
  queues: ['cpu'],
  healthy: true,
  draining: false,
  slots: 2,
  busy: 0,
  processed: 0,
  modelServer: { kind: 'stand-in', version: '0.13.5-standin' },
  models: { qwen3: { queue: 'cpu', digest: 'd', loaded: false, tag: { name: 'qwen3:latest' } } },
}

test('a worker is heard under its own name only', () => {
  const text = encodeWorkerHeartbeat(HEARTBEAT)

  assert.deepEqual(decodeWorkerHeartbeat(text, 'w1'), HEARTBEAT)
  assert.equal(decodeWorkerHeartbeat(text, 'w2'), undefined)
})

test('a heartbeat with a field at fault is not heard', () => {
  const rows: object[] = [
    { worker: 'W 1' },
    { queues: ['cpu.>'] },
    { healthy: 'yes' },
    { slots: -1 },
    { busy: null },
    { wire: {} },
    { modelServer: { kind: 'other', version: '1' } },
    { models: null },
    { models: { x: { queue: 'cpu', digest: 'd', loaded: true } } },
    { models: { x: { queue: '*', digest: 'd', loaded: true, tag: {} } } },
  ]
  for (const row of rows) {
    const text = JSON.stringify({ ...HEARTBEAT, ...row })
    assert.equal(decodeWorkerHeartbeat(text, 'w1'), undefined, text)
  }
})

test('a heartbeat over the limit is not even parsed', () => {
  assert.equal(decodeWorkerHeartbeat(' '.repeat(HEARTBEAT_BYTES_MAX + 1), 'w1'), undefined)
})
