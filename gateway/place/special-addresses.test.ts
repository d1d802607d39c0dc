import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type IpBytes, parseCidr, parseIpAddress } from '../downstream/ip-address.ts'
import { carriedAddress, specialUseOf, WELL_KNOWN_NAT64 } from './special-addresses.ts'

function bytesOf(text: string): IpBytes {
  const bytes = parseIpAddress(text)
  assert.ok(bytes, text)
  return bytes
}

const SPECIAL: readonly [first: string, last: string, use: string][] = [
  ['0.0.0.0', '0.255.255.255', 'unspecified'],
  ['10.0.0.0', '10.255.255.255', 'private'],
  ['100.64.0.0', '100.127.255.255', 'shared'],
  ['127.0.0.0', '127.255.255.255', 'loopback'],
  ['169.254.0.0', '169.254.255.255', 'link-local'],
  ['172.16.0.0', '172.31.255.255', 'private'],
  ['192.0.0.0', '192.0.0.255', 'reserved'],
  ['192.0.2.0', '192.0.2.255', 'documentation'],
  ['192.88.99.0', '192.88.99.255', 'reserved'],
  ['192.168.0.0', '192.168.255.255', 'private'],
  ['198.18.0.0', '198.19.255.255', 'benchmarking'],
  ['198.51.100.0', '198.51.100.255', 'documentation'],
  ['203.0.113.0', '203.0.113.255', 'documentation'],
  ['224.0.0.0', '239.255.255.255', 'multicast'],
  ['240.0.0.0', '255.255.255.255', 'reserved'],
  ['::', '::', 'unspecified'],
  ['::1', '::1', 'loopback'],
  ['::2', '::ffff:ffff', 'reserved'],
  ['64:ff9b:1::', '64:ff9b:1:ffff::', 'private'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'reserved'],
  ['2001::', '2001:0:ffff::', 'teredo'],
  ['2001:2::', '2001:2:0:ffff::', 'benchmarking'],
  ['2001:20::', '2001:2f:ffff::', 'reserved'],
  ['2001:db8::', '2001:db8:ffff::', 'documentation'],
  ['3fff::', '3fff:fff::', 'documentation'],
  ['4000::', '7fff::', 'reserved'],
  ['5f00::', '5f00::1', 'reserved'],
  ['8000::', 'fbff::', 'reserved'],
  ['fc00::', 'fdff::', 'private'],
  ['fe80::', 'febf::', 'link-local'],
  ['fec0::', 'feff::', 'private'],
  ['ff00::', 'ffff::', 'multicast'],
]

for (const [first, last, use] of SPECIAL) {
  test(`${first} to ${last} is ${use} and has no place`, () => {
    assert.equal(specialUseOf(bytesOf(first)), use)
    assert.equal(specialUseOf(bytesOf(last)), use)
  })
}

for (const text of [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2000::',
  '2001:200::',
  '2001:db7:ffff::',
  '2001:db9::',
  '2002:5102:45a0::1',
  '2002:a00:1::',
  '2a00:1450::1',
  '3ffe::1',
]) {
  test(`${text} is public and may have a place`, () => {
    assert.equal(specialUseOf(bytesOf(text)), undefined)
  })
}

const CARRIED: readonly [text: string, carried: string][] = [
  ['::ffff:81.2.69.160', '81.2.69.160'],
  ['64:ff9b::5102:45a0', '81.2.69.160'],
  ['64:ff9b::10.0.0.1', '10.0.0.1'],
  ['2002:5102:45a0::1', '2002:5102:45a0::1'],
  ['64:ff9b:0:0:0:1::', '64:ff9b:0:0:0:1::'],
  ['2a00:1450::1', '2a00:1450::1'],
  ['81.2.69.160', '81.2.69.160'],
]

for (const [text, carried] of CARRIED) {
  test(`${text} is looked up as ${carried}`, () => {
    assert.deepEqual(carriedAddress(bytesOf(text), [WELL_KNOWN_NAT64]), bytesOf(carried))
  })
}

test('a NAT64 prefix of our own is decoded, and without it the range is private', () => {
  const ours = parseCidr('64:ff9b:1:2::/96')
  assert.ok(ours)
  const address = bytesOf('64:ff9b:1:2::5102:45a0')

  assert.deepEqual(carriedAddress(address, [ours]), [81, 2, 69, 160])
  assert.equal(specialUseOf(carriedAddress(address, [])), 'private')
})

test('every IPv4 address is judged alike in all forms that carry it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const expected = specialUseOf(bytesOf(text))
      for (const form of [`::ffff:${text}`, `64:ff9b::${text}`]) {
        assert.equal(specialUseOf(carriedAddress(bytesOf(form), [WELL_KNOWN_NAT64])), expected)
      }
    }),
  )
})
