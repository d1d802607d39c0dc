import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { eventually } from '../test/support/eventually.ts'
import { startRedisServer } from '../test/support/redis-server.ts'
import { chat, FROM, startWorld } from '../test/support/start-world.ts'
import { parseConfig } from './config.ts'
import { openSharing } from './region-sharing.ts'
import { parseRedisAddress } from './upstream/redis-address.ts'

const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

test('without Redis there is nothing to share', async () => {
  assert.equal(await openSharing({ redis: undefined, gatewayId: 'g1' }, ['eu'], SILENT), undefined)
})

test('a drain that an operator tells one gateway binds the others', async () => {
  await using redis = await startRedisServer()
  await using world = await startWorld({
    regions: ['eu-central', 'us-east'],
    gatewayEnv: { GATEWAY_ID: 'one', REDIS_URL: redis.url },
  })
  await using other = await openSharing(
    { redis: parseRedisAddress(redis.url), gatewayId: 'two' },
    ['eu-central', 'us-east'],
    SILENT,
  )
  assert.ok(other)

  await other.setDrain('eu-central', { isDrained: true, by: 'test' })
  const answer = await eventually('the region is drained here, too', async () => {
    const one = await world.ask('/v1/chat/completions', { from: FROM.europe, body: chat('Hello') })
    return one.headers['x-meridian-region'] === 'us-east' && one
  })
  await request(`${world.gateway.adminUrl}/admin/regions/eu-central/undrain`, { method: 'POST' })
  await eventually('the other hears of the end', () => !other.drains().get('eu-central')?.isDrained)

  assert.equal(answer.status, 200)
})

test('a gateway whose Redis dies serves on', async () => {
  await using redis = await startRedisServer()
  await using world = await startWorld({
    regions: ['eu-central'],
    gatewayEnv: { GATEWAY_ID: 'one', REDIS_URL: redis.url },
  })

  await redis.kill()
  const answer = await world.ask('/v1/chat/completions', { body: chat('Hello') })

  assert.equal(answer.status, 200)
})

test('an address of Redis that cannot be used is a problem, and its password is not said', () => {
  assert.throws(() => parseConfig({ REDIS_URL: 'http://me:secret@host' }), {
    message: /REDIS_URL: want redis:\/\/(?![\s\S]*secret)/,
  })
})
