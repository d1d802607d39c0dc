// Goal: with a real Ollama behind the workers the words are the model's, and so are the counts.
// Method: SmolLM2-135M on the CPU, through every process of the path. What it says is not judged,
// only that it says something, and something else when it is asked something else.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type RealOllama, startRealOllama } from '../support/real-ollama.ts'
import { startWorld, type World } from '../support/start-world.ts'

const OPTIONS = { temperature: 0, seed: 7 }
const LONG = { timeout: 300_000 }

let ollama: RealOllama
let world: World

before(async () => {
  ollama = await startRealOllama()
  world = await startWorld({
    regions: ['eu-central', 'us-east'],
    slots: 2,
    workerEnv: { OLLAMA_HOST: ollama.url },
  })
}, LONG)

after(async () => {
  await world?.[Symbol.asyncDispose]()
  await ollama?.[Symbol.asyncDispose]()
})

test('the text is not empty and differs for different questions', LONG, async () => {
  const first = await world.ask('/v1/chat/completions', { body: chat('What is the sea?') })
  const second = await world.ask('/v1/chat/completions', { body: chat('Count to three.') })

  const [a, b] = [first, second].map(({ text }) => JSON.parse(text).choices[0].message.content)
  assert.equal(first.status, 200)
  assert.equal(first.headers['x-meridian-model-server'], undefined)
  assert.ok(a.length > 0 && b.length > 0)
  assert.notEqual(a, b)
})

test('the counts are those that Ollama itself gives for the same request', LONG, async () => {
  const body = {
    model: ollama.model,
    stream: false,
    messages: [{ role: 'user', content: 'Name a colour.' }],
    options: { ...OPTIONS, num_predict: 12 },
  }
  const call = { method: 'POST', body: JSON.stringify(body) }
  const direct = (await (await fetch(`${ollama.url}/api/chat`, call)).json()) as {
    eval_count: number
    message: { content: string }
  }

  const through = JSON.parse((await world.ask('/api/chat', { body })).text)
  const openai = JSON.parse(
    (await world.ask('/v1/chat/completions', { body: chat('Name a colour.', 12) })).text,
  )

  assert.deepEqual(Object.keys(through), Object.keys(direct))
  assert.equal(through.eval_count, direct.eval_count)
  assert.equal(through.message.content, direct.message.content)
  assert.equal(openai.usage.completion_tokens, through.eval_count)
  assert.equal(openai.usage.prompt_tokens, through.prompt_eval_count)
})

test('a stream of it arrives in many pieces and says the same as the whole', LONG, async () => {
  const whole = await world.ask('/v1/chat/completions', { body: chat('Say hello.') })
  const stream = await world.ask('/v1/chat/completions', {
    body: { ...chat('Say hello.'), stream: true },
  })

  const chunks = stream.text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)))
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  assert.ok(chunks.length > 5, `${chunks.length} chunks`)
  assert.equal(text, JSON.parse(whole.text).choices[0].message.content)
})

test('a client that goes frees the model for the next one', LONG, async () => {
  const client = new AbortController()
  const story = { ...chat('Tell a very long story.', 4_000), stream: true }
  const gone = assert.rejects(
    world.ask('/v1/chat/completions', { body: story, signal: client.signal }),
  )
  await busy(1)

  client.abort()
  await gone
  await busy(0)
  const answer = await world.ask('/v1/chat/completions', { body: chat('Say hello.') })

  assert.equal(answer.status, 200)
})

function chat(content: string, maxTokens = 24) {
  return {
    model: ollama.model,
    messages: [{ role: 'user', content }],
    max_tokens: maxTokens,
    ...OPTIONS,
  }
}

/** Waits until the nearest region reports that so many slots are busy. */
async function busy(wanted: number): Promise<void> {
  await eventually(`${wanted} busy`, async () => {
    const { regions } = (await world.admin('/admin/regions')) as {
      regions: { id: string; queues: Record<string, { busy: number }> }[]
    }
    return regions.find(({ id }) => id === 'eu-central')?.queues.cpu?.busy === wanted
  })
}
