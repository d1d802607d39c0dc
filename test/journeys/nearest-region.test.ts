// Goal: a client is answered by the region that is nearest to it, whoever it is, however it asks.
// Method: real GeoLite2 data, addresses of known networks, a trusted proxy that forwards them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, FROM, ollamaChat, startWorld } from '../support/start-world.ts'

const ROWS = [
  { who: 'a client in Europe', from: FROM.europe, region: 'eu-central' },
  { who: 'a client in New York', from: FROM.newYork, region: 'us-east' },
  {
    who: 'a network that is only registered, in Australia',
    from: FROM.australia,
    region: 'ap-southeast',
  },
  { who: 'a private address', from: FROM.nowhere, region: 'eu-central' },
] as const

test('each client is answered by the region nearest to it', async (t) => {
  await using world = await startWorld()
  for (const { who, from, region } of ROWS) {
    await t.test(`${who} by ${region}, in both dialects`, async () => {
      const openai = await world.ask('/v1/chat/completions', { from, body: chat('Hello') })
      const ollama = await world.ask('/api/chat', { from, body: ollamaChat('Hello') })

      for (const answer of [openai, ollama]) {
        assert.equal(answer.status, 200)
        assert.equal(answer.headers['x-meridian-region'], region)
        assert.equal(answer.headers['x-meridian-attempts'], '1')
        assert.match(String(answer.headers['x-request-id']), /^req_test_[0-9a-f]{24}$/)
        assert.equal(answer.headers['x-meridian-model-server'], 'stand-in')
        assert.match(answer.text, /w1 w2 w3/)
      }
    })
  }

  await t.test('the admin listener says beforehand where a client would go', async () => {
    const answer = await world.admin('/admin/locate?ip=1.1.1.1')

    const { place, regions } = answer as { place: object; regions: { id: string }[] }
    assert.deepEqual(place, {
      source: 'registered',
      countryIsoCode: 'AU',
      continentCode: null,
      location: { lat: -25.63, lon: 134.21 },
      accuracyRadiusKm: (place as { accuracyRadiusKm: number }).accuracyRadiusKm,
      unknownReason: null,
    })
    assert.equal(regions[0]?.id, 'ap-southeast')
    assert.equal(regions.length, 3)
  })
})
