import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, MODEL } from './ask.ts'
import { EMBEDDING_LENGTH } from './embedding-vectors.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

test('each input has a vector of length one that depends on the text only', async () => {
  await using standIn = await startOllamaStandIn()
  const embed = (input: unknown) => ask(`${standIn.url}/api/embed`, { model: MODEL, input })
  const { last } = await embed(['a', 'b', 'a'])
  const [a, b, again] = last.embeddings ?? []
  assert.equal(a?.length, EMBEDDING_LENGTH)
  assert.deepEqual(a, again)
  assert.notDeepEqual(a, b)
  assert.equal(last.prompt_eval_count, 3)
  assert.deepEqual((await embed('a')).last.embeddings, [a])
  assert.deepEqual((await embed([])).last, { model: MODEL, embeddings: [] })
})

test('vectors can be shortened', async () => {
  await using standIn = await startOllamaStandIn()
  const body = { model: MODEL, input: 'a', dimensions: 8 }
  const { last } = await ask(`${standIn.url}/api/embed`, body)
  assert.equal(last.embeddings?.[0]?.length, 8)
})

test('the older route gives one vector, longer than one, or none without a prompt', async () => {
  await using standIn = await startOllamaStandIn()
  const embeddings = (prompt: string) =>
    ask(`${standIn.url}/api/embeddings`, { model: MODEL, prompt })
  const { last } = await embeddings('a')
  assert.ok(Math.abs(Math.hypot(...(last.embedding ?? [])) - 10) < 1e-9)
  assert.deepEqual((await embeddings('')).last, { embedding: [] })
})

test('an input that is too long is refused only when it must not be cut', async () => {
  await using standIn = await startOllamaStandIn()
  const body = { model: MODEL, input: 'x'.repeat(400), options: { num_ctx: 32 } }
  const cut = await ask(`${standIn.url}/api/embed`, body)
  assert.equal(cut.last.prompt_eval_count, 32)
  const refused = await ask(`${standIn.url}/api/embed`, { ...body, truncate: false })
  const message = 'the input length exceeds the context length'
  assert.deepEqual([refused.status, refused.last.error], [400, message])
})

test('embeddings take a slot and obey delays, faults and disconnection', async () => {
  await using standIn = await startOllamaStandIn({ slots: 1, prefillDelayMs: 60_000 })
  const controller = new AbortController()
  const asking = fetch(`${standIn.url}/api/embed`, {
    method: 'POST',
    body: JSON.stringify({ model: MODEL, input: 'a' }),
    signal: controller.signal,
  })
  await standIn.control.until(({ counters }) => counters.running === 1)
  controller.abort()
  await assert.rejects(asking)
  const { counters } = await standIn.control.until((state) => state.counters.cancelled === 1)
  assert.equal(counters.running, 0)

  const body = { model: MODEL, input: 'x [[stand-in:status=500]]' }
  assert.equal((await ask(`${standIn.url}/api/embed`, body)).status, 500)
  const resetting = { model: MODEL, input: 'x [[stand-in:reset-after=0]]' }
  await assert.rejects(ask(`${standIn.url}/api/embed`, resetting))
})
