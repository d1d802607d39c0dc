// Goal: an answer reaches the client token by token, not in one piece at its end.
// Method: the stand-in waits between tokens; the client notes how many pieces it got, and that the
// first one was there while the model was still at work.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { chat, ollamaChat, startWorld } from '../support/start-world.ts'

test('an answer is streamed token by token, in both dialects', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    standIn: { tokenDelayMs: 20, tokens: 10 },
  })
  const { standIn } = world.region('eu-central')
  for (const [path, body] of [
    ['/v1/chat/completions', chat('Hello', { stream: true })],
    ['/api/chat', ollamaChat('Hello', { stream: true })],
  ] as const) {
    const answer = await request(`${world.url}${path}`, {
      dispatcher: world.agent,
      method: 'POST',
      body: JSON.stringify(body),
    })

    let pieces = 0
    let runningAtFirst = -1
    let text = ''
    for await (const piece of answer.body) {
      if (pieces === 0) runningAtFirst = standIn.control.state().counters.running
      pieces += 1
      text += piece
    }

    assert.equal(runningAtFirst, 1)
    assert.ok(pieces >= 5, `${path}: ${pieces} pieces`)
    assert.match(text, /w10/)
    assert.equal(answer.headers['cache-control'], 'no-cache, no-transform')
    assert.equal(answer.headers['x-accel-buffering'], 'no')
    assert.equal(answer.headers['content-encoding'], undefined)
  }
})
