// Goal: the text of a request that is bound to places goes to no other place, whatever happens, and
// a receipt proves where it has been.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import { verifyReceipt } from '../../gateway/observe/receipts.ts'
import { chat, FROM, startWorld } from '../support/start-world.ts'

test('a request bound to a place is served there, however far the client', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'us-east'] })

  const answer = await world.ask('/v1/chat/completions', {
    from: FROM.newYork,
    headers: { 'x-meridian-residency': 'eu' },
    body: chat('Hello'),
  })
  const key = await (await request(`${world.gateway.adminUrl}/admin/receipt-key`)).body.text()
  const receipt = verifyReceipt(String(answer.headers['x-meridian-receipt']), key)

  assert.equal(answer.status, 200)
  assert.equal(answer.headers['x-meridian-region'], 'eu-central')
  assert.deepEqual(receipt?.regions, ['eu-central'])
  assert.equal(receipt?.requestId, answer.headers['x-request-id'])
})

test('when the only allowed region is gone the request is refused, and never goes elsewhere', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'us-east'] })
  await world.region('eu-central').stopIngress()

  const answer = await world.ask('/v1/chat/completions', {
    headers: { 'x-meridian-residency': 'eu' },
    body: chat('Hello'),
  })

  assert.equal(answer.status, 503)
  assert.equal(JSON.parse(answer.text).error.code, 'residency_unsatisfiable')
  assert.notEqual(answer.headers['retry-after'], undefined)
  assert.equal(world.region('us-east').standIn.control.state().records.length, 0)
})

test('a tag that nobody knows, and an empty list, allow nothing', async () => {
  await using world = await startWorld({ regions: ['eu-central'] })
  for (const asked of ['mars', '', 'eu,mars']) {
    const answer = await world.ask('/v1/chat/completions', {
      headers: { 'x-meridian-residency': asked },
      body: chat('Hello'),
    })

    assert.equal(answer.status, 403, asked)
    assert.equal(JSON.parse(answer.text).error.code, 'residency_forbidden')
  }
})

test('a request may narrow the default of the gateway, and never widen it', async () => {
  await using world = await startWorld({
    regions: ['eu-central', 'us-east'],
    gatewayEnv: { RESIDENCY_DEFAULT: 'eu' },
  })

  const plain = await world.ask('/v1/chat/completions', { from: FROM.newYork, body: chat('Hello') })
  const wider = await world.ask('/v1/chat/completions', {
    from: FROM.newYork,
    headers: { 'x-meridian-residency': 'us' },
    body: chat('Hello'),
  })

  assert.equal(plain.headers['x-meridian-region'], 'eu-central')
  assert.equal(wider.status, 403)
  assert.equal(world.region('us-east').standIn.control.state().records.length, 0)
})
