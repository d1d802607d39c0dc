// Goal: a gateway, an ingress and a worker that are told to end finish what runs and lose nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, FROM, startWorld } from '../support/start-world.ts'

test('a draining gateway takes no new connection and ends the running answer', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    standIn: { tokenDelayMs: 10, tokens: 40 },
  })
  const { control } = world.region('eu-central').standIn
  const running = world.ask('/v1/chat/completions', { body: chat('Hello', { stream: true }) })
  await control.until(({ counters }) => counters.running === 1)

  const drained = world.gateway.drain()
  const answer = await running
  await drained

  assert.equal(answer.status, 200)
  assert.match(answer.text, /w40[\s\S]*\[DONE\]/)
  await assert.rejects(world.ask('/v1/models'))
})

test('a draining region ends what runs, and new requests go elsewhere', async () => {
  await using world = await startWorld({
    regions: ['eu-central', 'us-east'],
    standIn: { tokenDelayMs: 10, tokens: 40 },
  })
  const region = world.region('eu-central')
  const ask = () => world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })
  const running = ask()
  await region.standIn.control.until(({ counters }) => counters.running === 1)

  const drained = region.drainIngress()
  const fresh = await Promise.all([ask(), ask(), ask()])
  const answer = await running
  await drained

  assert.equal(answer.headers['x-meridian-region'], 'eu-central')
  assert.match(answer.text, /w40/)
  for (const one of fresh) {
    assert.equal(one.status, 200)
    assert.equal(one.headers['x-meridian-region'], 'us-east')
  }
})

test('a draining worker ends what runs and gives the rest to the others', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    workersPerRegion: 2,
    slots: 1,
    standIn: { tokenDelayMs: 5, tokens: 40 },
  })
  const { workers, standIn } = world.region('eu-central')
  const asked = Array.from({ length: 6 }, () =>
    world.ask('/v1/chat/completions', { body: chat('Hello') }),
  )
  await standIn.control.until(({ counters }) => counters.running === 2)

  await workers[0]?.drain()
  const answers = await Promise.all(asked)

  for (const answer of answers) assert.equal(answer.status, 200)
  assert.equal(standIn.control.state().counters.cancelled, 0)
})
