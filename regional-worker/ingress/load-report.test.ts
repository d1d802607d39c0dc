import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLoadReport, REPORT_BYTES_MAX } from '#wire/load-report.ts'
import { buildLoadReport, EVENT_LOOP_DELAY_MS_MAX, type ReportFacts } from './load-report.ts'
import type { WorkersView } from './worker-registry.ts'

const WORKERS: WorkersView = {
  healthyWorkers: 2,
  queues: new Map([['cpu', { slots: 20, busy: 3, workers: { healthy: 2, total: 3 } }]]),
  models: new Map([
    ['qwen3:latest', { queue: 'cpu', digest: 'd', loaded: true, serviceMeanMs: 1.6 }],
  ]),
  tags: [],
  modelsRevision: '0123456789abcdef',
  modelServer: { kind: 'ollama', version: '0.13.5' },
}
const FACTS: ReportFacts = {
  nonce: '0123abcd',
  region: 'eu-central',
  ingress: 'i1',
  epoch: 1_700_000_000_000,
  seq: 7,
  workers: WORKERS,
  queues: new Map([
    ['cpu', { queued: 4, oldestWaitMs: 12.7 }],
    ['gpu', { queued: 0, oldestWaitMs: 0 }],
  ]),
  queueMessagesMax: 1_024,
  laneProblem: undefined,
  publishP95Ms: 0.4,
  isDraining: false,
  eventLoopDelayMs: 1.4,
}

test('a report says what is known, in the form that a gateway reads', () => {
  const text = JSON.stringify(buildLoadReport(FACTS))

  const decoded = decodeLoadReport(text)

  assert.ok(decoded.kind === 'report')
  const { report } = decoded
  assert.equal(report.ready, true)
  assert.equal(report.degradedReason, undefined)
  assert.deepEqual(report.queues, {
    cpu: {
      slots: 20,
      busy: 3,
      queued: 4,
      queueLimit: 10,
      oldestWaitMs: 13,
      workers: { healthy: 2, total: 3 },
    },
    gpu: {
      slots: 0,
      busy: 0,
      queued: 0,
      queueLimit: 8,
      oldestWaitMs: 0,
      workers: { healthy: 0, total: 0 },
    },
  })
  assert.deepEqual(report.models['qwen3:latest'], {
    queue: 'cpu',
    digest: 'd',
    loaded: true,
    serviceMeanMs: 2,
  })
  assert.deepEqual(report.accepts, { interactive: true, durable: false })
  assert.deepEqual(report.publishP95Ms, { interactive: 0.4, durable: null })
})

for (const [situation, facts, ready, accepts, reason] of [
  ['NATS is away', { laneProblem: 'nats-away' }, true, false, 'nats-away'],
  [
    'no worker is healthy',
    { workers: { ...WORKERS, healthyWorkers: 0 } },
    false,
    true,
    'no-healthy-worker',
  ],
  [
    'the event loop is late',
    { eventLoopDelayMs: EVENT_LOOP_DELAY_MS_MAX },
    false,
    true,
    'event-loop-delayed',
  ],
] as const) {
  test(`when ${situation}, ready is ${ready}, accepts ${accepts} and the reason a code`, () => {
    const report = buildLoadReport({ ...FACTS, ...facts })

    assert.equal(report.ready, ready)
    assert.equal(report.accepts.interactive, accepts)
    assert.equal(report.degradedReason, reason)
  })
}

test('a draining ingress stays ready, because what it has must not be given up', () => {
  const report = buildLoadReport({ ...FACTS, isDraining: true })

  assert.deepEqual([report.draining, report.ready], [true, true])
})

test('more models than fit leave a report that can still be read', () => {
  const long = 'm'.repeat(250)
  const models = new Map(
    Array.from({ length: 256 }, (_, at) => [
      `${long}${at}`,
      { queue: 'cpu', digest: 'd'.repeat(64), loaded: false },
    ]),
  )

  const text = JSON.stringify(buildLoadReport({ ...FACTS, workers: { ...WORKERS, models } }))

  assert.ok(text.length <= REPORT_BYTES_MAX)
  assert.ok(text.length > REPORT_BYTES_MAX / 2)
  assert.equal(decodeLoadReport(text).kind, 'report')
})
