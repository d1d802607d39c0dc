import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type IpBytes, parseIpAddress } from '../downstream/ip-address.ts'
import { createNetworkCache } from './network-cache.ts'

function bytesOf(text: string): IpBytes {
  const bytes = parseIpAddress(text)
  assert.ok(bytes, text)
  return bytes
}

const SHARED: readonly [
  size: string,
  networkBits: number,
  set: string,
  hit: string,
  miss: string,
][] = [
  ['a /24', 24, '81.2.69.1', '81.2.69.255', '81.2.70.1'],
  ['a /16, one /24 at a time,', 16, '81.2.69.1', '81.2.69.2', '81.2.70.1'],
  ['a /48', 48, '2001:db8:1::1', '2001:db8:1:ffff::', '2001:db8:2::1'],
  ['a /29 of IPv6, one /48 at a time,', 29, '2001:db8:1::1', '2001:db8:1::2', '2001:db9:1::1'],
]

for (const [size, networkBits, set, hit, miss] of SHARED) {
  test(`a value of ${size} is found by every address in it`, () => {
    const cache = createNetworkCache<string>(10)
    cache.set(bytesOf(set), networkBits, 'here')

    assert.equal(cache.get(bytesOf(hit)), 'here')
    assert.equal(cache.get(bytesOf(miss)), undefined)
  })
}

for (const [networkBits, set, other] of [
  [25, '81.2.69.1', '81.2.69.2'],
  [32, '81.2.69.1', '81.2.69.2'],
  [49, '2001:db8:1::1', '2001:db8:1::2'],
  [128, '2001:db8:1::1', '2001:db8:1::2'],
  [Number.NaN, '81.2.69.1', '81.2.69.2'],
] as const) {
  test(`a value of a /${networkBits} is found by ${set} and not by its neighbour`, () => {
    const cache = createNetworkCache<string>(10)
    cache.set(bytesOf(set), networkBits, 'here')

    assert.equal(cache.get(bytesOf(set)), 'here')
    assert.equal(cache.get(bytesOf(other)), undefined)
  })
}

test('IPv4 and IPv6 networks that begin with the same bytes are different networks', () => {
  const cache = createNetworkCache<string>(10)
  cache.set([0, 0, 1, 0], 24, 'four')
  cache.set([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 48, 'six')

  assert.equal(cache.get([0, 0, 1, 9]), 'four')
  assert.equal(cache.get([0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]), 'six')
})

test('the oldest entry goes first, whether it is used or not', () => {
  const cache = createNetworkCache<number>(3)
  for (const third of [1, 2, 3]) cache.set([10, 0, third, 0], 24, third)
  cache.get([10, 0, 1, 0])
  cache.set([10, 0, 4, 0], 24, 4)

  assert.deepEqual(
    [1, 2, 3, 4].map((third) => cache.get([10, 0, third, 0])),
    [undefined, 2, 3, 4],
  )
})

test('a value that is set again takes no new room', () => {
  const cache = createNetworkCache<number>(2)
  cache.set([10, 0, 1, 0], 24, 1)
  cache.set([10, 0, 2, 0], 24, 2)
  cache.set([10, 0, 2, 0], 24, 3)

  assert.equal(cache.get([10, 0, 1, 0]), 1)
  assert.equal(cache.get([10, 0, 2, 0]), 3)
  assert.equal(cache.size, 2)
})

test('a cache of one entry holds the newest', () => {
  const cache = createNetworkCache<number>(1)
  for (const third of [1, 2, 3]) cache.set([10, 0, third, 0], 24, third)

  assert.equal(cache.get([10, 0, 2, 0]), undefined)
  assert.equal(cache.get([10, 0, 3, 0]), 3)
})

test('200,000 different addresses leave no more entries than there may be', () => {
  const cache = createNetworkCache<number>(1_000)
  for (let n = 0; n < 200_000; n++) {
    cache.set([10, (n >> 16) & 255, (n >> 8) & 255, n & 255], n % 2 === 0 ? 32 : 24, n)
    assert.ok(cache.size <= 1_000)
  }

  assert.equal(cache.size, 1_000)
})

test('what was set is what the model of a plain ordered map would hold', () => {
  const step = fc.record({
    third: fc.nat(7),
    last: fc.nat(2),
    bits: fc.constantFrom(16, 24, 25, 32),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, max) => {
      const cache = createNetworkCache<number>(max)
      const model = new Map<string, number>()
      for (const [n, { third, last, bits }] of steps.entries()) {
        const key = bits <= 24 ? `${third}.*` : `${third}.${last}`
        const [oldest] = model.keys()
        if (!model.has(key) && model.size >= max && oldest !== undefined) model.delete(oldest)
        model.set(key, n)
        cache.set([10, 0, third, last], bits, n)
        for (const seen of steps.slice(0, n + 1)) {
          const expected = model.get(`${seen.third}.*`) ?? model.get(`${seen.third}.${seen.last}`)
          assert.equal(cache.get([10, 0, seen.third, seen.last]), expected)
        }
      }
    }),
  )
})
