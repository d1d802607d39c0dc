// Goal: the stand-in is enough of an Ollama for the client that people use.
// Method: the npm package `ollama`, unmodified.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ollama } from 'ollama'
import { MODEL, plainWords } from './ask.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

const messages = [{ role: 'user', content: 'Say hello.' }]

test('the client chats, streamed and whole', async () => {
  await using standIn = await startOllamaStandIn()
  const client = new Ollama({ host: standIn.url })
  let streamed = ''
  for await (const part of await client.chat({ model: MODEL, messages, stream: true })) {
    streamed += part.message.content
  }
  assert.equal(streamed, plainWords(1, 20))
  const whole = await client.chat({ model: MODEL, messages })
  assert.equal(whole.message.content, plainWords(1, 20))
  assert.equal(whole.eval_count, 20)
})

test('the client generates, thinks and calls tools', async () => {
  await using standIn = await startOllamaStandIn()
  const client = new Ollama({ host: standIn.url })
  const generated = await client.generate({ model: 'qwen3', prompt: 'Hi.', think: true })
  assert.deepEqual([generated.thinking, generated.response], ['t1 t2 t3 t4 t5', plainWords(1, 20)])
  const tools = [{ type: 'function', function: { name: 'f', description: '', parameters: {} } }]
  const asked = [{ role: 'user', content: 'Please call the tool.' }]
  const { message } = await client.chat({ model: MODEL, messages: asked, tools })
  assert.deepEqual(message.tool_calls?.[0]?.function.name, 'f')
})

test('the client lists, shows, embeds and asks for the version', async () => {
  await using standIn = await startOllamaStandIn()
  const client = new Ollama({ host: standIn.url })
  const { models } = await client.list()
  assert.deepEqual(
    models.map(({ name }) => name),
    [MODEL, 'qwen3:latest'],
  )
  assert.equal((await client.show({ model: MODEL })).details.format, 'gguf')
  assert.equal((await client.embed({ model: MODEL, input: ['a', 'b'] })).embeddings.length, 2)
  assert.equal((await client.ps()).models[0]?.model, MODEL)
  assert.equal((await client.version()).version, '0.13.5-standin')
})

test('the client sees errors as errors, before the first word and after it', async () => {
  await using standIn = await startOllamaStandIn()
  const client = new Ollama({ host: standIn.url })
  const unknown = client.chat({ model: 'nope', messages })
  await assert.rejects(unknown, { message: "model 'nope' not found", status_code: 404 })
  for (const fault of ['error-after=2,error=boom', 'end-after=2']) {
    const asked = [{ role: 'user', content: `[[stand-in:${fault}]]` }]
    const stream = await client.chat({ model: MODEL, messages: asked, stream: true })
    await assert.rejects(async () => {
      for await (const _ of stream) {
        // Read to the end.
      }
    }, /boom|Did not receive done/)
  }
})

test('a client that aborts stops the generation', async () => {
  await using standIn = await startOllamaStandIn({ tokenDelayMs: 5 })
  const client = new Ollama({ host: standIn.url })
  const asked = [{ role: 'user', content: '[[stand-in:tokens=10000]]' }]
  const stream = await client.chat({ model: MODEL, messages: asked, stream: true })
  await assert.rejects(async () => {
    for await (const _ of stream) client.abort()
  })
  const { counters } = await standIn.control.until((state) => state.counters.cancelled === 1)
  assert.equal(counters.running, 0)
})
