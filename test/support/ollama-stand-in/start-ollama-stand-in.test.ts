import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, openChat } from './ask.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

test('it listens where it is told, or on any free port of this machine', async () => {
  await using standIn = await startOllamaStandIn()
  assert.match(standIn.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  assert.equal(standIn.controlUrl, standIn.url)
  const { port } = new URL(standIn.url)
  await assert.rejects(startOllamaStandIn({ port: Number(port) }), { code: 'EADDRINUSE' })
})

test('closing ends what runs, frees the port, and may be done twice', async () => {
  const standIn = await startOllamaStandIn({ slots: 1, prefillDelayMs: 600_000, controlPort: 0 })
  const sockets = [0, 1, 2].map(() => openChat(standIn.url, { messages: [{ content: 'Hi.' }] }))
  for (const socket of sockets) socket.on('error', () => {})
  const gone = sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve)))
  await standIn.control.until(({ counters }) => counters.running === 1 && counters.queued === 2)

  await Promise.all([standIn.close(), standIn.close()])
  await Promise.all(gone)
  const { running, queued, cancelled } = standIn.control.state().counters
  assert.deepEqual([running, queued, cancelled], [0, 0, 3])

  await using next = await startOllamaStandIn({ port: Number(new URL(standIn.url).port) })
  assert.equal((await chat(next.url, 'Hi.')).status, 200)
  await standIn.close()
})

test('all that the options say is heeded', async () => {
  await using standIn = await startOllamaStandIn({
    slots: 3,
    models: [{ name: 'own', capabilities: ['completion', 'thinking'] }],
    tokens: 2,
    tokenDelayMs: 1,
    loadDelayMs: 1,
    prefillDelayMs: 1,
    flushEachToken: true,
  })
  const answer = await chat(standIn.url, 'Hi.', { model: 'own' })
  assert.deepEqual([answer.thinking, answer.content], ['t1 t2 t3 t4 t5', 'w1 w2'])
  const { defaults } = standIn.control.state()
  const { tokenDelayMs, loadDelayMs, prefillDelayMs, flushEachToken } = defaults
  assert.deepEqual([tokenDelayMs, loadDelayMs, prefillDelayMs, flushEachToken], [1, 1, 1, true])
})
