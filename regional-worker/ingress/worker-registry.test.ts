import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerHeartbeat, WorkerModel } from '#wire/worker-heartbeat.ts'
import { modelOf, WORKERS_MAX, WorkerRegistry } from './worker-registry.ts'

function model(name: string, fields: Partial<WorkerModel> = {}): WorkerModel {
  return { queue: 'cpu', digest: 'd1', loaded: false, tag: { name, size: 1 }, ...fields }
}

function heartbeat(worker: string, fields: Partial<WorkerHeartbeat> = {}): WorkerHeartbeat {
  return {
    worker,
    version: '0.1.0',
    wire: { min: 1, max: 1 },
    queues: ['cpu', 'gpu'],
    healthy: true,
    draining: false,
    slots: 2,
    busy: 1,
    processed: 0,
    modelServer: { kind: 'ollama', version: '0.13.5' },
    models: { 'qwen3:latest': model('qwen3:latest') },
    ...fields,
  }
}

function registryOf(...heartbeats: readonly WorkerHeartbeat[]): WorkerRegistry {
  const registry = new WorkerRegistry(['cpu', 'gpu'])
  for (const one of heartbeats) registry.record(one, 0)
  return registry
}

test('a region without workers has empty queues, no models and no model server', () => {
  const view = registryOf().view(0)

  assert.equal(view.healthyWorkers, 0)
  assert.deepEqual(view.queues.get('cpu'), {
    slots: 0,
    busy: 0,
    workers: { healthy: 0, total: 0 },
  })
  assert.equal(view.models.size, 0)
  assert.deepEqual(view.modelServer, { kind: 'none', version: '' })
})

test('slots count for a queue where a worker pulls from it and has a model of it', () => {
  const view = registryOf(
    heartbeat('a'),
    heartbeat('b', { slots: 4, models: { big: model('big', { queue: 'gpu' }) } }),
    heartbeat('c', { queues: ['gpu'] }), // Has a model of cpu, from which it does not pull.
  ).view(0)

  assert.deepEqual(view.queues.get('cpu'), { slots: 2, busy: 1, workers: { healthy: 1, total: 1 } })
  assert.deepEqual(view.queues.get('gpu'), { slots: 4, busy: 1, workers: { healthy: 1, total: 1 } })
  assert.equal(view.healthyWorkers, 3)
})

for (const [situation, fields] of [
  ['says that it is not healthy', { healthy: false }],
  ['is draining', { draining: true }],
  ['speaks no wire version of ours', { wire: { min: 2, max: 3 } }],
] as const) {
  test(`a worker that ${situation} is counted, and offers neither slots nor models`, () => {
    const view = registryOf(heartbeat('a', fields)).view(0)

    assert.equal(view.healthyWorkers, 0)
    assert.deepEqual(view.queues.get('cpu')?.workers, { healthy: 0, total: 1 })
    assert.equal(view.queues.get('cpu')?.slots, 0)
    assert.equal(modelOf(view, 'qwen3'), undefined)
  })
}

test('a worker is lost after more than three seconds of silence, or when it says so', () => {
  const registry = registryOf(heartbeat('a'), heartbeat('b'))

  assert.equal(registry.view(3_000).healthyWorkers, 2)
  registry.record(heartbeat('b'), 3_000)
  assert.equal(registry.view(3_001).healthyWorkers, 1)
  registry.forget('b')
  assert.equal(registry.view(3_001).healthyWorkers, 0)
})

test('a model is found by its name as Ollama finds it', () => {
  const view = registryOf(heartbeat('a')).view(0)

  assert.equal(modelOf(view, 'qwen3')?.queue, 'cpu')
  assert.equal(modelOf(view, 'qwen3:latest')?.queue, 'cpu')
  assert.equal(modelOf(view, 'qwen3:14b'), undefined)
})

test('models of several workers are merged, and a digest stands only where all agree', () => {
  const view = registryOf(
    heartbeat('a', { models: { m: model('m', { serviceMeanMs: 100 }), n: model('n') } }),
    heartbeat('b', {
      models: { m: model('m', { digest: 'd2', serviceMeanMs: 300, loaded: true }) },
    }),
  ).view(0)

  assert.deepEqual(view.models.get('m'), {
    queue: 'cpu',
    digest: '',
    loaded: true,
    serviceMeanMs: 200,
  })
  assert.deepEqual(view.models.get('n'), { queue: 'cpu', digest: 'd1', loaded: false })
})

test('a model is left out when its queue is unknown or its name fits into no report', () => {
  const view = registryOf(
    heartbeat('a', {
      queues: ['cpu', 'tpu'],
      models: {
        m: model('m'),
        elsewhere: model('elsewhere', { queue: 'tpu' }),
        'with blank': model('with blank'),
        odd: model('odd', { digest: '\n' }),
        ...JSON.parse('{"__proto__":{"queue":"cpu","digest":"","loaded":true,"tag":{}}}'),
      },
    }),
  ).view(0)

  assert.deepEqual([...view.models.keys()], ['m'])
})

test('tags are untouched, in the order of names, and the revision changes when they do', () => {
  const one = registryOf(heartbeat('a', { models: { z: model('z'), b: model('b') } })).view(0)
  const same = registryOf(
    heartbeat('a', { busy: 2, models: { b: model('b', { loaded: true }), z: model('z') } }),
  ).view(0)
  const other = registryOf(
    heartbeat('a', { models: { z: model('z', { tag: { name: 'z', size: 2 } }), b: model('b') } }),
  ).view(0)

  assert.deepEqual(one.tags, [
    { name: 'b', size: 1 },
    { name: 'z', size: 1 },
  ])
  assert.equal(one.modelsRevision, same.modelsRevision)
  assert.notEqual(one.modelsRevision, other.modelsRevision)
  assert.match(one.modelsRevision, /^[0-9a-f]{16}$/)
})

test('one stand-in among the workers makes the region say stand-in, with all versions', () => {
  const standIn = { kind: 'stand-in', version: '0.9.0' } as const

  const view = registryOf(heartbeat('a'), heartbeat('b', { modelServer: standIn })).view(0)

  assert.deepEqual(view.modelServer, { kind: 'stand-in', version: '0.13.5,0.9.0' })
})

test('one worker more than the limit is not heard, and those that are known still are', () => {
  const registry = new WorkerRegistry(['cpu'])
  for (let at = 0; at < WORKERS_MAX; at += 1) registry.record(heartbeat(`w${at}`), 0)

  registry.record(heartbeat('one-more'), 0)
  registry.record(heartbeat('w0', { busy: 2 }), 0)

  assert.equal(registry.size, WORKERS_MAX)
  assert.ok(!registry.has('one-more'))
  assert.equal(registry.view(0).queues.get('cpu')?.busy, WORKERS_MAX + 1)
})
