// Goal: an operator takes a region out and puts it back, and no client notices.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { chat, FROM, startWorld } from '../support/start-world.ts'

test('a region that an operator drains ends what runs, and new requests go elsewhere', async () => {
  await using world = await startWorld({
    regions: ['eu-central', 'us-east'],
    standIn: { tokenDelayMs: 10, tokens: 40 },
  })
  const ask = () => world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })
  const tell = (verb: string) =>
    request(`${world.gateway.adminUrl}/admin/regions/eu-central/${verb}`, { method: 'POST' })
  const running = ask()
  const { control } = world.region('eu-central').standIn
  await control.until(({ counters }) => counters.running === 1)

  await tell('drain')
  const whenDrained = await ask()
  const finished = await running
  await tell('undrain')
  const later = await ask()

  assert.equal(finished.headers['x-meridian-region'], 'eu-central')
  assert.equal(finished.status, 200)
  assert.equal(whenDrained.headers['x-meridian-region'], 'us-east')
  assert.equal(whenDrained.headers['x-meridian-attempts'], '1')
  assert.equal(later.status, 200)
})
