// Goal: when no region can serve, the client learns it at once, in its dialect, and when to return.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, ollamaChat, startWorld } from '../support/start-world.ts'

test('with every region gone a client is told 503 and when to come back', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'us-east'] })
  await Promise.all(Object.values(world.regions).map((region) => region.stopIngress()))

  const openai = await world.ask('/v1/chat/completions', { body: chat('Hello') })
  const ollama = await world.ask('/api/chat', { body: ollamaChat('Hello') })

  for (const answer of [openai, ollama]) {
    assert.equal(answer.status, 503)
    assert.match(String(answer.headers['retry-after']), /^[1-4]$/)
    assert.equal(
      Number(answer.headers['retry-after-ms']),
      Number(answer.headers['retry-after']) * 1_000,
    )
    assert.equal(answer.headers['x-should-retry'], undefined)
  }
  assert.equal(JSON.parse(openai.text).error.code, 'no_region_available')
  assert.deepEqual(Object.keys(JSON.parse(ollama.text)), ['error'])
})
