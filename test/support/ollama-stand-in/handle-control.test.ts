import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ask, chat } from './ask.ts'
import { CONTROL_PREFIX } from './handle-control.ts'
import type { StandInState } from './stand-in-control.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

async function decodeState(url: string, query = ''): Promise<StandInState> {
  const response = await fetch(`${url}${CONTROL_PREFIX}state${query}`)
  return (await response.json()) as StandInState
}

test('another process steers and sees the stand-in over HTTP', async () => {
  await using standIn = await startOllamaStandIn()
  const rules = [{ faults: 'status=503', times: 1 }]
  const changed = await ask(`${standIn.url}/_stand-in/control`, {
    defaults: 'tokens=2',
    faults: rules,
  })
  assert.equal(changed.status, 200)
  const first = await chat(standIn.url, 'Hi.')
  const second = await chat(standIn.url, 'Hi.')
  assert.deepEqual([first.status, second.content], [503, 'w1 w2'])

  const state = await decodeState(standIn.url)
  assert.equal(state.version, '0.13.5-standin')
  assert.deepEqual(state.rules, [{ ...rules[0], harmed: 1 }])
  assert.deepEqual(
    state.records.map(({ outcome }) => outcome),
    ['refused', 'completed'],
  )
  assert.equal((await decodeState(standIn.url, '?records=1')).records.length, 1)
  assert.equal((await decodeState(standIn.url, '?records=0')).records.length, 0)
  assert.deepEqual(state.counters.requestsByPath, { '/api/chat': 2 }, 'control is not counted')
})

test('control answers while everything else is frozen', async () => {
  await using standIn = await startOllamaStandIn()
  await ask(`${standIn.url}/_stand-in/control`, { freeze: true })
  assert.equal((await decodeState(standIn.url)).frozen, true)
  await ask(`${standIn.url}/_stand-in/control`, { freeze: false })
  assert.equal((await fetch(standIn.url)).status, 200)
})

test('a wrong change is refused with what is wrong', async () => {
  await using standIn = await startOllamaStandIn()
  for (const body of ['{"frezee":true}', '{"defaults":"typo"}', '{"refuse":true}', 'x']) {
    const answer = await ask(`${standIn.url}/_stand-in/control`, body)
    assert.equal(answer.status, 400)
    assert.ok((answer.last.error ?? '').length > 0)
  }
  assert.equal((await fetch(`${standIn.url}/_stand-in/nope`)).status, 404)
  assert.equal((await fetch(`${standIn.url}/_stand-in/control`)).status, 404)
})

test('through a door of its own, control survives that connections are refused', async () => {
  await using standIn = await startOllamaStandIn({ controlPort: 0 })
  assert.notEqual(standIn.controlUrl, standIn.url)
  await ask(`${standIn.controlUrl}/_stand-in/control`, { refuse: true })
  await assert.rejects(fetch(standIn.url))
  assert.equal((await decodeState(standIn.controlUrl)).refusing, true)
  await ask(`${standIn.controlUrl}/_stand-in/control`, { refuse: false })
  assert.equal((await fetch(standIn.url)).status, 200)
  assert.equal((await fetch(`${standIn.controlUrl}/api/tags`)).status, 404, 'it has no other paths')
})

test('a control client that goes away in the middle of its change does no harm', async () => {
  await using standIn = await startOllamaStandIn()
  const { hostname, port } = new URL(standIn.url)
  const socket = connect(Number(port), hostname)
  socket.write('POST /_stand-in/control HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{')
  await once(socket, 'connect')
  const gone = once(socket, 'close')
  socket.destroy()
  await gone
  assert.equal((await decodeState(standIn.url)).frozen, false)
})
