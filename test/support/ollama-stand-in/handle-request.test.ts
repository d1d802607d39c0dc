import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ask, chat, MODEL } from './ask.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

test('the root says what Ollama says, and HEAD has the same headers', async () => {
  await using standIn = await startOllamaStandIn()
  const response = await fetch(standIn.url)
  assert.equal(await response.text(), 'Ollama is running')
  const head = await fetch(standIn.url, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), '17')
  assert.equal(head.headers.get('server'), 'meridian-ollama-stand-in')
})

test('other methods and other paths are refused as Ollama refuses them', async () => {
  await using standIn = await startOllamaStandIn()
  const rows = [
    ['GET', '/api/chat', 405, 'POST'],
    ['POST', '/api/tags', 405, 'HEAD, GET'],
    ['DELETE', '/', 405, 'HEAD, GET'],
    ['POST', '/api/pull', 404, null],
    ['GET', '/v1/models', 404, null],
    ['GET', '/toString', 404, null],
  ] as const
  for (const [method, path, status, allow] of rows) {
    const response = await fetch(standIn.url + path, { method })
    assert.deepEqual([response.status, response.headers.get('allow')], [status, allow], path)
  }
  const { requestsByPath } = standIn.control.state().counters
  assert.deepEqual(requestsByPath, { '/api/chat': 1, '/api/tags': 1, '/': 1, other: 3 })
})

test('a query string changes nothing', async () => {
  await using standIn = await startOllamaStandIn()
  assert.equal((await fetch(`${standIn.url}/api/tags?x=1`)).status, 200)
})

test('a body beyond all reason is refused', async () => {
  await using standIn = await startOllamaStandIn()
  const answer = await ask(`${standIn.url}/api/chat`, 'x'.repeat(64 * 1024 * 1024 + 1))
  assert.deepEqual([answer.status, answer.last.error], [413, 'http: request body too large'])
})

test('a client that goes away while it is still sending is recorded as gone', async () => {
  await using standIn = await startOllamaStandIn()
  const { hostname, port } = new URL(standIn.url)
  const socket = connect(Number(port), hostname)
  socket.write('POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model"')
  await standIn.control.until(({ records }) => records.length === 1)
  socket.destroy()
  const { records } = await standIn.control.until(({ counters }) => counters.cancelled === 1)
  assert.equal(records[0]?.outcome, 'client-closed')
})

test('a connection serves many requests', async () => {
  await using standIn = await startOllamaStandIn()
  const { hostname, port } = new URL(standIn.url)
  const socket = connect(Number(port), hostname)
  const body = JSON.stringify({ model: MODEL, messages: [], stream: false })
  const head = `POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}`
  const request = `${head}\r\n\r\n${body}`
  for (let count = 0; count < 3; count += 1) socket.write(request)
  await standIn.control.until(({ counters }) => counters.completed === 3)
  socket.destroy()
})

test('refusals are records too, with their status', async () => {
  await using standIn = await startOllamaStandIn()
  await chat(standIn.url, 'Hi.', { model: 'nope' })
  await ask(`${standIn.url}/api/chat`, '{bad')
  const { records, counters } = standIn.control.state()
  assert.deepEqual(
    records.map(({ outcome, status, model }) => ({ outcome, status, model })),
    [
      { outcome: 'refused', status: 404, model: 'nope' },
      { outcome: 'refused', status: 400, model: '' },
    ],
  )
  assert.equal(counters.refused, 2)
})
