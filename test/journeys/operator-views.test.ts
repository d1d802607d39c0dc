// Goal: what the operator's listener says is true, and is said there only.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { eventually } from '../support/eventually.ts'
import { chat, FROM, startWorld } from '../support/start-world.ts'

const COUNTER = 'meridian_requests_total{route="/v1/chat/completions",'

test('health, metrics, regions and config are on the admin listener alone', async () => {
  await using world = await startWorld({ regions: ['eu-central'] })
  const before = await metric(world, 'meridian_requests_total{')
  await world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })
  await world.ask('/v1/chat/completions', { body: chat('Hello', { model: 'none' }) })

  const metrics = await metric(world, 'meridian_requests_total{')
  const ready = await request(`${world.gateway.adminUrl}/readyz`)
  const live = await request(`${world.gateway.adminUrl}/livez`)
  const config = JSON.stringify(await world.admin('/admin/config'))
  const { regions } = (await world.admin('/admin/regions')) as { regions: { id: string }[] }
  const hidden = await Promise.all(
    ['/livez', '/readyz', '/metrics', '/admin/regions', '/admin/config'].map((path) =>
      world.ask(path),
    ),
  )

  assert.deepEqual(before, [])
  assert.deepEqual(metrics.sort(), [
    `${COUNTER}region="eu-central",status="200",code="none"} 1`,
    `${COUNTER}region="none",status="404",code="model_not_found"} 1`,
  ])
  assert.equal(ready.statusCode, 200)
  assert.equal(live.statusCode, 200)
  assert.doesNotMatch(config, /PRIVATE KEY|BEGIN CERTIFICATE/)
  assert.deepEqual(
    regions.map(({ id }) => id),
    ['eu-central'],
  )
  for (const answer of hidden) assert.equal(answer.status, 404)
})

test('a gateway without a region that can serve is not ready, and lives', async () => {
  await using world = await startWorld({
    regions: ['eu-central'],
    gatewayEnv: { GATEWAY_PROBE_EVERY_MS: '100', GATEWAY_PROBE_TIMEOUT_MS: '80' },
  })
  await world.region('eu-central').stopIngress()

  await eventually('it is not ready', async () => {
    const { statusCode } = await request(`${world.gateway.adminUrl}/readyz`)
    return statusCode === 503
  })

  assert.equal((await request(`${world.gateway.adminUrl}/livez`)).statusCode, 200)
})

async function metric(world: { gateway: { adminUrl: string } }, start: string): Promise<string[]> {
  const text = await (await request(`${world.gateway.adminUrl}/metrics`)).body.text()
  return text.split('\n').filter((line) => line.startsWith(start))
}
