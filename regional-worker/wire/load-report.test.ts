import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeLoadReport, type LoadReport } from './load-report.ts'

const REPORT: LoadReport = {
  nonce: '0123456789abcdef',
  region: 'eu-central',
  ingress: 'i1',
  epoch: 1_790_000_000_000,
  seq: 12,
  ready: true,
  wire: { min: 1, max: 1 },
  version: '0.1.0',
  queues: {
    cpu: {
      slots: 4,
      busy: 1,
      queued: 0,
      queueLimit: 8,
      oldestWaitMs: 0,
      workers: { healthy: 2, total: 2 },
    },
  },
  models: { 'smollm2:135m': { queue: 'cpu', digest: 'abc', loaded: true } },
  modelsRevision: '1f2e',
  modelServer: { kind: 'ollama', version: '0.13.5' },
  accepts: { interactive: true, durable: false },
  publishP95Ms: { interactive: null, durable: null },
  draining: false,
  eventLoopDelayMs: 3.2,
}

test('a report is read whole, optional fields included', () => {
  const report = {
    ...REPORT,
    degradedReason: 'publish-slow',
    models: { x: { queue: 'cpu', digest: '', loaded: false, serviceMeanMs: 10.5 } },
  }

  assert.deepEqual(decodeLoadReport(JSON.stringify(report)), { kind: 'report', report })
})

test('a field of a newer build is ignored', () => {
  const text = JSON.stringify({ ...REPORT, weather: 'fine' })

  assert.deepEqual(decodeLoadReport(text), { kind: 'report', report: REPORT })
})

test('the first field at fault is named with its path', () => {
  const cpu = REPORT.queues.cpu
  const rows: [unknown, string][] = [
    [null, '(root)'],
    [[], '(root)'],
    [{ ...REPORT, nonce: 'x' }, 'nonce'],
    [{ ...REPORT, region: 'EU' }, 'region'],
    [{ ...REPORT, seq: -1 }, 'seq'],
    [{ ...REPORT, ready: 'yes' }, 'ready'],
    [{ ...REPORT, wire: { min: 1 } }, 'wire.max'],
    [{ ...REPORT, queues: { cpu: { ...cpu, queued: -1 } } }, 'queues.cpu.queued'],
    [{ ...REPORT, queues: { cpu: { ...cpu, slots: 1e300 } } }, 'queues.cpu.slots'],
    [{ ...REPORT, queues: { cpu: { ...cpu, workers: 2 } } }, 'queues.cpu.workers'],
    [{ ...REPORT, models: { 'a b': REPORT.models['smollm2:135m'] } }, 'models.a b'],
    [{ ...REPORT, models: { x: { queue: 'cpu', digest: 7, loaded: true } } }, 'models.x.digest'],
    [{ ...REPORT, modelServer: { kind: 'vllm', version: '' } }, 'modelServer.kind'],
    [{ ...REPORT, publishP95Ms: { interactive: 'fast' } }, 'publishP95Ms.interactive'],
    [{ ...REPORT, degradedReason: 'a sentence, with prose' }, 'degradedReason'],
  ]
  for (const [value, path] of rows) {
    assert.deepEqual(decodeLoadReport(JSON.stringify(value)), { kind: 'problem', path })
  }
})

test('a name that would reach into the prototype is a problem', () => {
  const text = JSON.stringify(REPORT).replace('"smollm2:135m":', '"__proto__":')

  assert.deepEqual(decodeLoadReport(text), { kind: 'problem', path: 'models.__proto__' })
})

test('whatever a stranger sends is read as a report or as a problem, never thrown', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.equal(decodeLoadReport(text).kind, 'problem')
    }),
  )
})
