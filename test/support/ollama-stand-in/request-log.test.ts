import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestLog } from './request-log.ts'

test('a record tells the life of its request', () => {
  const log = new RequestLog()
  const record = log.open('/api/chat', ['Host', 'x', 'X-A', '1'])
  assert.equal(record.outcome, 'queued')
  log.describe(record, '{"model":"m"}', 'm', 'Say hello.')
  log.start(record)
  assert.equal(record.outcome, 'running')
  log.harm(record, 'malformed')
  log.spoke(record)
  log.spoke(record)
  log.end(record, 'completed')
  const [kept] = log.records()
  assert.ok(kept?.startedAtMs !== undefined && kept.endedAtMs !== undefined)
  assert.ok(kept.firstTokenAtMs !== undefined)
  const times = [kept.arrivedAtMs, kept.startedAtMs, kept.firstTokenAtMs, kept.endedAtMs]
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  const { id, path, headers, model, promptStart, body, outcome, fault, tokensSent } = kept
  assert.deepEqual(
    { id, path, headers, model, promptStart, body, outcome, fault, tokensSent },
    {
      id: 1,
      path: '/api/chat',
      headers: { host: 'x', 'x-a': '1' },
      model: 'm',
      promptStart: 'Say hello.',
      body: '{"model":"m"}',
      outcome: 'completed',
      fault: 'malformed',
      tokensSent: 2,
    },
  )
})

test('an end is counted once, under its outcome', () => {
  const log = new RequestLog()
  const open = () => log.open('/api/chat', [])
  const first = open()
  log.end(first, 'client-closed')
  log.end(first, 'completed')
  log.end(open(), 'completed')
  const refused503 = open()
  log.end(refused503, 'refused', 503)
  assert.equal(refused503.status, 503)
  log.end(open(), 'fault')
  open()
  const { completed, cancelled, refused, broken } = log.counters()
  assert.deepEqual([completed, cancelled, refused, broken], [1, 1, 1, 1])
  assert.equal(first.outcome, 'client-closed')
})

test('requests are counted by path', () => {
  const log = new RequestLog()
  for (const path of ['/api/tags', 'other', '/api/tags']) log.count(path)
  assert.deepEqual(log.counters().requestsByPath, { '/api/tags': 2, other: 1 })
})

test('of thousands of requests the last thousand are kept', () => {
  const log = new RequestLog()
  for (let count = 0; count < 5_500; count += 1) log.open('/api/chat', [])
  const ids = log.records().map(({ id }) => id)
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [1_000, 4_501, 5_500])
})

test('long prompts are cut and long bodies are not kept', () => {
  const log = new RequestLog()
  const record = log.open('/api/chat', [])
  log.describe(record, 'x'.repeat(20_000), 'm', 'y'.repeat(1_000))
  assert.equal(record.promptStart.length, 200)
  assert.equal(record.body, undefined)
})

test('clearing forgets all but what still runs', () => {
  const log = new RequestLog()
  log.end(log.open('/api/chat', []), 'completed')
  const running = log.open('/api/chat', [])
  log.count('/api/chat')
  log.clear()
  assert.deepEqual(log.records(), [running])
  assert.deepEqual(log.counters().requestsByPath, {})
  log.end(running, 'completed')
  assert.equal(log.counters().completed, 1)
})

test('a watcher hears of every change until it stops watching', () => {
  const log = new RequestLog()
  let changes = 0
  const stop = log.watch(() => (changes += 1))
  const record = log.open('/api/chat', [])
  log.start(record)
  log.end(record, 'completed')
  assert.equal(changes, 3)
  stop()
  log.count('other')
  assert.equal(changes, 3)
})
