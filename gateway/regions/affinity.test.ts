import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { affinityX } from './affinity.ts'
import { pickRegion } from './waterfall.ts'

test('a tenant’s key always stands at the same place, in this build and in the next', () => {
  assert.equal(affinityX('acme', 'chat-1'), affinityX('acme', 'chat-1'))
  assert.equal(affinityX('acme', 'chat-1').toFixed(12), '0.946814235338')
})

test('another tenant, another key or another cut between them stands elsewhere', () => {
  const places = [
    affinityX('acme', 'chat-1'),
    affinityX('acme', 'chat-2'),
    affinityX('zeta', 'chat-1'),
    affinityX('acmec', 'hat-1'),
    affinityX('', 'acmechat-1'),
  ]

  assert.equal(new Set(places).size, places.length)
})

test('a place is in [0, 1), whatever the texts', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (tenant, key) => {
      const x = affinityX(tenant, key)
      assert.ok(x >= 0 && x < 1)
    }),
  )
})

test('keys are spread evenly: each tenth holds a tenth of 10,000', () => {
  const tenths = Array.from({ length: 10 }, () => 0)
  for (let key = 0; key < 10_000; key++) {
    const tenth = Math.floor(affinityX('acme', `conversation ${key}`) * 10)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }

  for (const count of tenths) assert.ok(count > 900 && count < 1_100, `${tenths}`)
})

test('when the nearest region begins to spill, only the spilled conversations move', () => {
  const regionOf = (key: string, nearest: number): string | undefined =>
    pickRegion(
      [
        { regionId: 'near', availability: nearest },
        { regionId: 'far', availability: 1 },
      ],
      affinityX('acme', key),
    )
  const keys = Array.from({ length: 2_000 }, (_, at) => `chat-${at}`)
  const spilled = keys.filter((key) => regionOf(key, 1) !== regionOf(key, 0.8))
  const spilledMore = keys.filter((key) => regionOf(key, 1) !== regionOf(key, 0.7))

  assert.ok(spilled.length > 320 && spilled.length < 480, `${spilled.length}`)
  assert.deepEqual(
    spilled.filter((key) => !spilledMore.includes(key)),
    [],
  )
})
