// Goal: `X-Forwarded-For` is believed from a trusted proxy only, and no text in it does any harm.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, FROM, startWorld } from '../support/start-world.ts'

const HOSTILE = [
  'unknown',
  '<script>alert(1)</script>',
  '1.1.1.1\\r\\nx-evil: 1',
  '999.999.999.999',
  '010.0.0.1',
  ', , ,',
  `${'1.1.1.1, '.repeat(500)}1.1.1.1`,
  "'; DROP TABLE regions; --",
  '[::1',
  '%00',
]

test('a header that is no address does no harm, whatever it holds', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'ap-southeast'] })
  for (const from of HOSTILE) {
    const answer = await world.ask('/v1/chat/completions', { from, body: chat('Hello') })

    assert.equal(answer.status, 200, from)
  }
  const after = await world.ask('/v1/chat/completions', {
    from: FROM.australia,
    body: chat('Hello'),
  })
  assert.equal(after.headers['x-meridian-region'], 'ap-southeast')
})

test('what a client writes to the left of the proxy is never believed', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'ap-southeast'] })

  const answer = await world.ask('/v1/chat/completions', {
    from: `${FROM.australia}, ${FROM.europe}`,
    body: chat('Hello'),
  })

  assert.equal(answer.headers['x-meridian-region'], 'eu-central')
})

test('a peer that is no trusted proxy is the client, whatever its header says', async () => {
  await using world = await startWorld({
    regions: ['eu-central', 'ap-southeast'],
    gatewayEnv: { TRUSTED_PROXIES: '' },
  })

  const answer = await world.ask('/v1/chat/completions', {
    from: FROM.australia,
    body: chat('Hello'),
  })

  assert.equal(answer.headers['x-meridian-region'], 'eu-central')
})
