// Goal: our parser and matcher say what `net.isIP` and `net.BlockList` say, which pure files may
// not ask for bytes. Method: the built-ins are the oracle for addresses, near misses and networks.

import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatIpAddress,
  isInCidr,
  networkOf,
  parseCidr,
  parseIpAddress,
  unmapped,
} from './ip-address.ts'

const address = fc.oneof(fc.ipV4(), fc.ipV6())

/** Text that is nearly an address: one character of an address replaced, added or taken away. */
const nearAddress = fc
  .tuple(
    address,
    fc.nat(40),
    fc.nat(1),
    fc.constantFrom('', '0', '1', '.', ':', '::', 'g', '%', ' '),
  )
  .map(([text, at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut))

const soup = fc.string({ unit: fc.constantFrom(...'0123456789abcFfg:.%[]- '), maxLength: 45 })

test('what is an address is exactly what net.isIP takes for one', () => {
  fc.assert(
    fc.property(fc.oneof(address, nearAddress, soup), (text) => {
      const expected = isIP(text) === 4 ? 4 : isIP(text) === 6 ? 16 : undefined
      assert.equal(parseIpAddress(text)?.length, expected, JSON.stringify(text))
    }),
    { numRuns: 5_000 },
  )
})

const FORMS = [
  '::',
  '::1',
  '1::',
  ':::',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8::',
  '1::2:3:4:5:6:7:8',
  '1::2::3',
  ':1::2',
  '1::2:',
  '12345::',
  '::ffff:1.2.3.4',
  '1:2:3:4:5:6:1.2.3.4',
  '1.2.3.4::',
  '1:2:3:4:5:6:7:1.2.3.4',
  '::1.2.3.04',
  '::1.2.3.4:5',
  'fe80::1%eth0',
  'fe80::1%',
  'fe80::1%a_b',
  '1.2.3.4%eth0',
  '010.0.0.1',
  '1.2.3',
  '1.2.3.4.5',
  '1..2.3',
  '256.0.0.1',
  '1.2.3.4 ',
  '1.2.3.4\n',
  '０.0.0.1',
  '',
]

for (const text of FORMS) {
  const verdict = isIP(text) === 0 ? 'no address' : 'an address'
  test(`${JSON.stringify(text)} is ${verdict}, as net.isIP says`, () => {
    assert.equal(parseIpAddress(text) !== undefined, isIP(text) !== 0)
  })
}

test('every spelling of an address is written in the one canonical form', () => {
  const written = (text: string) => formatIpAddress(parseIpAddress(text) ?? [])

  assert.equal(written('192.0.2.1'), '192.0.2.1')
  assert.equal(written('2001:DB8:0:0:0:0:0:1'), '2001:db8::1')
  assert.equal(written('2001:db8:0:1:1:1:1:1'), '2001:db8:0:1:1:1:1:1')
  assert.equal(written('2001:0:0:1:0:0:0:1'), '2001:0:0:1::1')
  assert.equal(written('2001:db8:0:0:1:0:0:1'), '2001:db8::1:0:0:1')
  assert.equal(written('0:0:0:0:0:0:0:0'), '::')
  assert.equal(written('fe80::1%eth0'), 'fe80::1')
})

test('canonical text reads back as the same bytes, and as what a URL makes of the address', () => {
  fc.assert(
    fc.property(address, (text) => {
      const bytes = parseIpAddress(text) ?? []
      const canonical = formatIpAddress(bytes)
      assert.deepEqual(parseIpAddress(canonical), bytes)
      if (text.includes(':')) assert.equal(new URL(`http://[${text}]`).hostname, `[${canonical}]`)
    }),
    { numRuns: 2_000 },
  )
})

test('a mapped IPv4 address is that IPv4 address, and others stay as they are', () => {
  assert.deepEqual(unmapped(parseIpAddress('::ffff:192.0.2.1') ?? []), [192, 0, 2, 1])
  assert.deepEqual(unmapped([192, 0, 2, 1]), [192, 0, 2, 1])
  assert.equal(unmapped(parseIpAddress('::fffe:192.0.2.1') ?? []).length, 16)
})

test('an address is in a network exactly when net.BlockList says so', () => {
  // Members of small families meet the network often enough, random addresses never would.
  const pair = fc.oneof(
    fc.record({
      version: fc.constant<'ipv4'>('ipv4'),
      bytes: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }),
      flipped: fc.option(fc.nat(31), { nil: undefined }),
      prefixBits: fc.nat(32),
    }),
    fc.record({
      version: fc.constant<'ipv6'>('ipv6'),
      bytes: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 }),
      flipped: fc.option(fc.nat(127), { nil: undefined }),
      prefixBits: fc.nat(128),
    }),
  )
  fc.assert(
    fc.property(pair, ({ version, bytes, flipped, prefixBits }) => {
      const other = bytes.map((byte, at) =>
        flipped !== undefined && flipped >> 3 === at ? byte ^ (0x80 >> (flipped & 7)) : byte,
      )
      const list = new BlockList()
      list.addSubnet(formatIpAddress(bytes), prefixBits, version)
      const cidr = parseCidr(`${formatIpAddress(bytes)}/${prefixBits}`)
      assert.ok(cidr)
      assert.equal(isInCidr(other, cidr), list.check(formatIpAddress(other), version))
    }),
    { numRuns: 3_000 },
  )
})

test('a network is written as address/bits, and an address alone is the network of itself', () => {
  assert.deepEqual(parseCidr('10.0.0.0/8'), { bytes: [10, 0, 0, 0], prefixBits: 8 })
  assert.deepEqual(parseCidr('10.1.2.3'), { bytes: [10, 1, 2, 3], prefixBits: 32 })
  assert.equal(parseCidr('2001:db8::1')?.prefixBits, 128)
  assert.deepEqual(parseCidr('10.1.2.3/9')?.bytes, [10, 0, 0, 0])
  assert.deepEqual(parseCidr('10.1.2.3/0')?.bytes, [0, 0, 0, 0])
})

test('a mapped network is the IPv4 network, and a wider one stays IPv6', () => {
  assert.deepEqual(parseCidr('::ffff:10.0.0.0/104'), { bytes: [10, 0, 0, 0], prefixBits: 8 })
  assert.equal(parseCidr('::/0')?.bytes.length, 16)
})

for (const text of [
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  'fe80::1%eth0/64',
  'fe80::%eth0',
  'ten',
  '',
]) {
  test(`${JSON.stringify(text)} is no network`, () => {
    assert.equal(parseCidr(text), undefined)
  })
}

test('IPv4 is in no IPv6 network, and the reverse', () => {
  assert.equal(isInCidr([10, 0, 0, 1], { bytes: new Array(16).fill(0), prefixBits: 0 }), false)
  assert.equal(isInCidr(new Array(16).fill(0), { bytes: [0, 0, 0, 0], prefixBits: 0 }), false)
})

test('a network keeps its first bits and no other', () => {
  assert.deepEqual(networkOf([255, 255, 255, 255], 20), [255, 255, 240, 0])
  assert.deepEqual(networkOf([1, 2, 3, 4], 32), [1, 2, 3, 4])
  assert.deepEqual(networkOf([1, 2, 3, 4], 0), [0, 0, 0, 0])
})
