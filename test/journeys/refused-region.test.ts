// Goal: a region that refuses connections costs its clients one connect, never an error, and they
// go home when it is back.
// Method: the ingress is closed, so that the refusal is the kernel's own, and started again on the
// same port.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { chat, FROM, startWorld } from '../support/start-world.ts'

test('clients of a region that refuses go to the next nearest, and home later', async () => {
  await using world = await startWorld({
    gatewayEnv: {
      GATEWAY_PROBE_EVERY_MS: '200',
      GATEWAY_PROBE_TIMEOUT_MS: '150',
      GATEWAY_HOLD_DOWN_MS: '0',
    },
  })
  const ask = () => world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })

  await world.region('eu-central').stopIngress()
  const whenRefused = await ask()
  await eventually('the region is out of rotation', async () => (await stateOf(world)) === 'down')
  const whenDown = await ask()
  await world.region('eu-central').startIngress()
  const whenBack = await eventually('the region answers again', async () => {
    const answer = await ask()
    assert.equal(answer.status, 200)
    return answer.headers['x-meridian-region'] === 'eu-central' && answer
  })

  assert.equal(whenRefused.status, 200)
  assert.equal(whenRefused.headers['x-meridian-region'], 'us-east')
  assert.equal(whenDown.status, 200)
  assert.equal(whenDown.headers['x-meridian-region'], 'us-east')
  assert.equal(whenDown.headers['x-meridian-attempts'], '1')
  assert.match(whenBack.text, /w20/)
})

async function stateOf(world: {
  admin(path: string): Promise<unknown>
}): Promise<string | undefined> {
  const { regions } = (await world.admin('/admin/regions')) as {
    regions: { id: string; state: string }[]
  }
  return regions.find(({ id }) => id === 'eu-central')?.state
}
