// Goal: while a request waits, its client hears that nothing is wrong, in a form that no client
// takes for content; and a failure that comes afterwards is still no success.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, ollamaChat, startWorld } from '../support/start-world.ts'

test('a client that waits hears comments in SSE and white space in NDJSON', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    standIn: { prefillDelayMs: 400, tokens: 3 },
    gatewayEnv: { GATEWAY_HEARTBEAT_EVERY_MS: '100' },
  })

  const openai = await world.ask('/v1/chat/completions', { body: chat('Hello', { stream: true }) })
  const ollama = await world.ask('/api/chat', { body: ollamaChat('Hello', { stream: true }) })

  assert.match(openai.text, /^: \w+\n\n/)
  assert.match(openai.text, /w3[\s\S]*data: \[DONE\]\n\n$/)
  assert.match(ollama.text, /^ +\{/)
  assert.doesNotMatch(ollama.text, /\n\n/)
  const lines = ollama.text.trim().split('\n')
  assert.equal(JSON.parse(lines.at(-1) ?? '').done, true)
})
