import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, plainWords } from './ask.ts'
import { FaultSyntaxError } from './faults.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

test('the state tells who answers, how, and what was asked', async () => {
  await using standIn = await startOllamaStandIn({ tokens: 3 })
  await chat(standIn.url, 'Say hello.', { user: 'x' })
  const state = standIn.control.state()
  assert.equal(state.server, 'meridian-ollama-stand-in')
  assert.equal(state.defaults.tokens, 3)
  assert.deepEqual(state.counters, {
    requestsByPath: { '/api/chat': 1 },
    completed: 1,
    cancelled: 0,
    refused: 0,
    broken: 0,
    running: 0,
    queued: 0,
  })
  const [record] = state.records
  assert.deepEqual([record?.promptStart, record?.tokensSent], ['Say hello.', 3])
  assert.ok(record?.headers['content-length'] !== undefined)
  assert.ok(record.body?.includes('"user":"x"'), 'the body is kept as it came')
  assert.ok(Math.abs(state.timeOriginMs + state.nowMs - Date.now()) < 60_000)
})

test('defaults are put on top of those of the start, each time anew', async () => {
  await using standIn = await startOllamaStandIn({ tokens: 9 })
  const words = async () => (await chat(standIn.url, 'Hi.')).content
  await standIn.control.apply({ defaults: 'tokens=2,end-after=1' })
  assert.equal(await words(), 'w1')
  await standIn.control.apply({ defaults: 'thinking-tokens=1' })
  assert.equal(await words(), plainWords(1, 9))
})

test('a default load delay is paid once, and not while the model stays', async () => {
  await using standIn = await startOllamaStandIn()
  await standIn.control.apply({ defaults: 'load-delay-ms=40' })
  const loadMs = async () => ((await chat(standIn.url, 'Hi.')).last.load_duration ?? 0) / 1e6
  assert.ok((await loadMs()) >= 39)
  assert.ok((await loadMs()) < 39)
})

test('a change that is wrong changes nothing at all', async () => {
  await using standIn = await startOllamaStandIn()
  const rules = [{ faults: 'status=500' }]
  await standIn.control.apply({ faults: rules })
  for (const wrong of [{ faults: [], defaults: 'typo' }, { faults: [{ faults: 'typo' }] }]) {
    await assert.rejects(standIn.control.apply({ ...wrong, freeze: true }), FaultSyntaxError)
  }
  const state = standIn.control.state()
  assert.deepEqual([state.frozen, state.rules.length], [false, 1])
})

test('frozen, nothing is answered, reads included, until it is thawed', async () => {
  await using standIn = await startOllamaStandIn()
  await standIn.control.apply({ freeze: true })
  const asked = [chat(standIn.url, 'Hi.'), fetch(`${standIn.url}/api/tags`)]
  await standIn.control.until(({ counters }) => Object.keys(counters.requestsByPath).length === 2)
  await assert.rejects(standIn.control.until(({ counters }) => counters.completed > 0, 100))
  await standIn.control.apply({ freeze: false })
  const statuses = (await Promise.all(asked)).map(({ status }) => status)
  assert.deepEqual(statuses, [200, 200])
})

test('refusing, it ends every connection and takes no new one until it listens again', async () => {
  await using standIn = await startOllamaStandIn({ prefillDelayMs: 600_000 })
  const running = chat(standIn.url, 'Hi.')
  await standIn.control.until(({ counters }) => counters.running === 1)
  await standIn.control.apply({ refuse: true })
  await assert.rejects(running)
  await assert.rejects(fetch(standIn.url), (error: Error) =>
    /ECONNREFUSED/.test(String(error.cause)),
  )
  assert.equal(standIn.control.state().refusing, true)
  await standIn.control.until(({ counters }) => counters.cancelled === 1)

  await standIn.control.apply({ refuse: false })
  assert.equal((await fetch(standIn.url)).status, 200)
})

test('a reset puts all of it back', async () => {
  await using standIn = await startOllamaStandIn({ tokens: 3 })
  await standIn.control.apply({
    defaults: 'tokens=1',
    faults: [{ faults: 'status=500' }],
    freeze: true,
    refuse: true,
  })
  await standIn.control.apply({ reset: true })
  assert.equal((await chat(standIn.url, 'Hi.')).content, 'w1 w2 w3')
  const { records, counters } = standIn.control.state()
  assert.deepEqual([records.length, counters.completed], [1, 1])
})

test('waiting for what never comes ends with the counters', async () => {
  await using standIn = await startOllamaStandIn()
  await assert.rejects(
    standIn.control.until(() => false, 20),
    /not so after 20 ms: .*"running":0/,
  )
})
