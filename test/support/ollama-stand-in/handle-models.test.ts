import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, chat, MODEL, read } from './ask.ts'
import { VERSION } from './handle-models.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

test('the version can be read as one and cannot be taken for a real one', async () => {
  await using standIn = await startOllamaStandIn()
  assert.deepEqual(await read(`${standIn.url}/api/version`), { version: VERSION })
  assert.match(VERSION, /^\d+\.\d+\.\d+-[0-9A-Za-z-]+$/)
})

test('all models are listed with digests that are equal on every stand-in', async () => {
  await using one = await startOllamaStandIn({ models: ['qwen3', 'smollm2:135m'] })
  await using other = await startOllamaStandIn({ models: ['qwen3', 'smollm2:135m'] })
  const listed = await read(`${one.url}/api/tags`)
  assert.deepEqual(
    listed.models?.map(({ name }) => name),
    ['qwen3:latest', 'smollm2:135m'],
  )
  assert.deepEqual(await read(`${other.url}/api/tags`), listed)
})

test('only what was loaded is in memory, and it tells until when', async () => {
  await using standIn = await startOllamaStandIn()
  assert.deepEqual(await read(`${standIn.url}/api/ps`), { models: [] })
  await chat(standIn.url, 'Hi.', { keep_alive: '1h' })
  const { models = [] } = await read(`${standIn.url}/api/ps`)
  assert.deepEqual([models.length, models[0]?.name], [1, MODEL])
  const leftMs = Date.parse(models[0]?.expires_at ?? '') - Date.now()
  assert.ok(leftMs > 3_000_000 && leftMs <= 3_600_000)
})

test('a model is shown by either name, and an unknown one is exactly 404', async () => {
  await using standIn = await startOllamaStandIn()
  const show = (body: object) => ask(`${standIn.url}/api/show`, body)
  const shown = await show({ model: 'qwen3' })
  assert.deepEqual(shown.last.capabilities, ['completion', 'tools', 'thinking'])
  assert.equal((await show({ model: '', name: 'qwen3:latest' })).text, shown.text)
  assert.equal((await show({ model: 'Qwen3' })).status, 404, 'case counts here')
  assert.equal((await show({ model: 'nope' })).last.error, "model 'nope' not found")
})
