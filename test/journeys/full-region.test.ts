// Goal: a full region sends what is over to the next one, and only that; when all are full a client
// is told so in the words that it knows.
// Method: one slot a region, a model that takes its time, more requests than slots and queue.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  type Answer,
  chat,
  FROM,
  ollamaChat,
  startWorld,
  type World,
} from '../support/start-world.ts'

const FAST_PROBES = { GATEWAY_PROBE_EVERY_MS: '100', GATEWAY_PROBE_TIMEOUT_MS: '90' }
/** The queue holds max(8, half of the slots), of which a standard request may use 90 %. */
const QUEUE = 7

test('what a region cannot run at once is answered by the next one, and only that', async () => {
  await using world = await startWorld({
    regions: ['eu-central', 'us-east'],
    slots: 1,
    standIn: { tokens: 2 },
    gatewayEnv: FAST_PROBES,
  })
  const ask = (text: string) =>
    world.ask('/v1/chat/completions', { from: FROM.europe, body: chat(text) })
  const running = ask('Hello [[stand-in:prefill-delay-ms=4000]]')
  await eventually('the region reports that it is busy', async () => {
    return (await loadOf(world)).busy === 1
  })

  const over = await ask('Hello')
  const first = await running
  const later = await eventually('it goes home again', async () => {
    const answer = await ask('Hello')
    return answer.headers['x-meridian-region'] === 'eu-central' && answer
  })

  assert.equal(over.status, 200)
  assert.equal(over.headers['x-meridian-region'], 'us-east')
  assert.equal(over.headers['x-meridian-attempts'], '1')
  assert.equal(first.headers['x-meridian-region'], 'eu-central')
  assert.equal(later.status, 200)
})

test('when every region is full the answer is 503 in the words of the dialect', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    slots: 1,
    standIn: { tokens: 2 },
    gatewayEnv: FAST_PROBES,
  })
  const held = await fill(world)

  const openai = await world.ask('/v1/chat/completions', { body: chat('Hello') })
  const ollama = await world.ask('/api/chat', { body: ollamaChat('Hello') })
  await Promise.all(held)

  assert.equal(openai.status, 503)
  assert.equal(JSON.parse(openai.text).error.code, 'overloaded')
  assert.notEqual(openai.headers['retry-after'], undefined)
  assert.equal(ollama.status, 503)
  assert.equal(
    JSON.parse(ollama.text).error,
    'server busy, please try again.  maximum pending requests exceeded',
  )
})

/** Takes the one slot of eu-central for four seconds, then all of its queue. */
async function fill(world: World): Promise<Promise<Answer>[]> {
  const ask = (text: string) =>
    world.ask('/v1/chat/completions', { from: FROM.europe, body: chat(text) })
  const running = ask('Hello [[stand-in:prefill-delay-ms=4000]]')
  const { control } = world.region('eu-central').standIn
  await control.until(({ counters }) => counters.running === 1)
  const waiting = Array.from({ length: QUEUE }, () => ask('Hello'))
  await eventually(`${QUEUE} wait in eu-central`, async () => {
    return (await loadOf(world)).queued === QUEUE
  })
  return [running, ...waiting]
}

async function loadOf(world: World): Promise<{ busy: number; queued: number }> {
  const { regions } = (await world.admin('/admin/regions')) as {
    regions: { id: string; queues: Record<string, { busy: number; queued: number }> }[]
  }
  const region = regions.find(({ id }) => id === 'eu-central')
  return region?.queues.cpu ?? { busy: 0, queued: 0 }
}
