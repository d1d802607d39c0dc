// Goal: a region survives the loss of its NATS without a restart of anything, and nobody notices.
// Method: the nats-server is killed with SIGKILL and started again; its memory stream is gone then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { chat, FROM, startWorld } from '../support/start-world.ts'

test('a region without NATS is passed over, and serves again when NATS is back', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'us-east'] })
  const ask = () => world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })
  const { nats } = world.region('eu-central')

  await nats.kill()
  const whenGone = await ask()
  await nats.restart()
  const whenBack = await eventually('eu-central answers again', async () => {
    const answer = await ask()
    assert.equal(answer.status, 200)
    return answer.headers['x-meridian-region'] === 'eu-central' && answer
  })

  assert.equal(whenGone.status, 200)
  assert.equal(whenGone.headers['x-meridian-region'], 'us-east')
  assert.match(whenBack.text, /w20/)
})

test('a region whose NATS is frozen is passed over within the limit of its phase', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'us-east'] })
  const { nats } = world.region('eu-central')
  process.kill(nats.pid, 'SIGSTOP')

  const answer = await world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })
  process.kill(nats.pid, 'SIGCONT')

  assert.equal(answer.status, 200)
  assert.equal(answer.headers['x-meridian-region'], 'us-east')
})
