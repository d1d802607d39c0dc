// Goal: when a client goes, the model stops working for it, wherever its request was.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { chat, startWorld } from '../support/start-world.ts'

for (const [phase, standIn] of [
  ['in prefill', { prefillDelayMs: 60_000 }],
  ['in decode', { tokenDelayMs: 50, tokens: 10_000 }],
] as const) {
  test(`a client that goes ${phase} stops its generation`, async () => {
    await using world = await startWorld({ regions: ['eu-central'], standIn })
    const { control } = world.region('eu-central').standIn
    const client = new AbortController()
    const asked = assert.rejects(
      world.ask('/v1/chat/completions', {
        body: chat('Hello', { stream: true }),
        signal: client.signal,
      }),
    )
    await control.until(({ counters }) => counters.running === 1)

    client.abort()
    const state = await control.until(({ counters }) => counters.cancelled === 1)

    await asked
    assert.equal(state.counters.running, 0)
  })
}

test('a client that goes while its request waits never reaches the model', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    slots: 1,
    standIn: { tokens: 2 },
    gatewayEnv: { GATEWAY_PROBE_EVERY_MS: '100', GATEWAY_PROBE_TIMEOUT_MS: '90' },
  })
  const { control } = world.region('eu-central').standIn
  const first = world.ask('/v1/chat/completions', { body: chat(slow('First')) })
  await control.until(({ counters }) => counters.running === 1)
  const client = new AbortController()
  const second = assert.rejects(
    world.ask('/v1/chat/completions', { body: chat('Second'), signal: client.signal }),
  )
  await queued(world, 1)

  client.abort()
  await second
  await queued(world, 0)
  const answer = await first
  const third = await world.ask('/v1/chat/completions', { body: chat('Third') })

  assert.equal(answer.status, 200)
  assert.equal(third.status, 200)
  assert.deepEqual(
    control.state().records.map(({ promptStart }) => promptStart),
    [slow('First'), 'Third'],
  )
})

async function queued(
  world: { admin(path: string): Promise<unknown> },
  wanted: number,
): Promise<void> {
  await eventually(`${wanted} wait`, async () => {
    const { regions } = (await world.admin('/admin/regions')) as {
      regions: { queues: Record<string, { queued: number }> }[]
    }
    return regions[0]?.queues.cpu?.queued === wanted
  })
}

/** A prompt that the stand-in takes three seconds to read. */
function slow(text: string): string {
  return `${text} [[stand-in:prefill-delay-ms=3000]]`
}
