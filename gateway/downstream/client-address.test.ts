import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ClientAddress, clientAddress, parseCidrList } from './client-address.ts'

const TRUSTED = parseCidrList('10.0.0.0/8, fd00::/8').cidrs
const PROXY = '10.0.0.5'

function from(peer: string | undefined, forwardedFor?: string, entriesMax = 32): ClientAddress {
  return clientAddress({ peer, forwardedFor, trusted: TRUSTED, entriesMax })
}

function known(address: string, limitKey = address): ClientAddress {
  return { kind: 'known', address, limitKey }
}

function unknown(limitKey = `peer:${PROXY}`): ClientAddress {
  return { kind: 'unknown', limitKey }
}

test('a peer that is no trusted proxy is the client, whatever its header says', () => {
  assert.deepEqual(from('203.0.113.9', '6.6.6.6'), known('203.0.113.9'))
  assert.deepEqual(from('203.0.113.9', '<script>'), known('203.0.113.9'))
  assert.deepEqual(from('203.0.113.9'), known('203.0.113.9'))
})

const WALKS: readonly [header: string | undefined, client: ClientAddress, situation: string][] = [
  [undefined, known(PROXY), 'no header leaves the proxy itself'],
  ['81.2.69.160', known('81.2.69.160'), 'one entry is the client'],
  ['6.6.6.6, 81.2.69.160', known('81.2.69.160'), 'a spoofed left entry is not believed'],
  ['6.6.6.6, 81.2.69.160:5678, 10.9.9.9', known('81.2.69.160'), 'trusted entries are stepped over'],
  ['10.1.1.1, 10.2.2.2', known('10.1.1.1'), 'of trusted entries alone the left-most is the client'],
  ['unknown, 81.2.69.160', known('81.2.69.160'), 'what stands left of the client is not read'],
  ['81.2.69.160, unknown', unknown(), 'an unknown right-most entry leaves nobody'],
  [
    '81.2.69.160, _hidden, 10.9.9.9',
    unknown('peer:10.9.9.9'),
    'the voucher is the last proxy read',
  ],
  ['<script>', unknown(), 'markup is no address'],
  ['010.0.0.1', unknown(), 'leading zeros are no address'],
  ['', unknown(), 'an empty header has one empty entry'],
  ['81.2.69.160,', unknown(), 'an empty right-most entry is no address'],
  [',10.9.9.9', unknown('peer:10.9.9.9'), 'an empty left-most entry is no address'],
  ['x'.repeat(8192), unknown(), '8 KiB of text is no address'],
  [`${' '.repeat(8192)}81.2.69.160`, unknown(), '8 KiB of white space makes no entry'],
  [' \t81.2.69.160 ', known('81.2.69.160'), 'white space is trimmed'],
  ['[2001:db8::1]:443', known('2001:db8::1', '2001:db8::/64'), 'brackets and port are dropped'],
  ['[2001:db8::1]', known('2001:db8::1', '2001:db8::/64'), 'brackets alone are dropped'],
  ['2001:DB8:0::1', known('2001:db8::1', '2001:db8::/64'), 'IPv6 is written in its canonical form'],
  ['fe80::1%eth0', known('fe80::1', 'fe80::/64'), 'a zone is dropped'],
  ['[fe80::1%eth0]:80', known('fe80::1', 'fe80::/64'), 'a zone within brackets is dropped'],
  ['::ffff:81.2.69.160', known('81.2.69.160'), 'a mapped address is IPv4'],
  ['[::ffff:81.2.69.160]:80', known('81.2.69.160'), 'a mapped address with a port is IPv4'],
  ['6.6.6.6, ::ffff:10.1.1.1', known('6.6.6.6'), 'a mapped proxy is trusted as IPv4'],
  ['6.6.6.6, fd12::1', known('6.6.6.6'), 'proxies are trusted in IPv6 too'],
  ['81.2.69.160:65536', unknown(), 'a port beyond 65535 is none'],
  ['81.2.69.160:', unknown(), 'a colon without a port is no address'],
  ['81.2.69.160:http', unknown(), 'a port is a number'],
  ['[81.2.69.160]:80', unknown(), 'IPv4 has no brackets'],
  ['[2001:db8::1]443', unknown(), 'a port follows a colon'],
  ['for=81.2.69.160', unknown(), 'the syntax of Forwarded is not this one'],
]

for (const [header, client, situation] of WALKS) {
  test(`behind a trusted proxy ${situation}`, () => {
    assert.deepEqual(from(PROXY, header), client)
  })
}

test('a peer without an address is unknown', () => {
  assert.deepEqual(from(undefined, '81.2.69.160'), unknown('peer:none'))
  assert.deepEqual(from('/run/socket'), unknown('peer:none'))
})

test('the walk ends after as many entries as it may examine', () => {
  const header = `6.6.6.6, ${'10.0.0.7, '.repeat(199)}10.0.0.8`

  assert.deepEqual(from(PROXY, header), known('10.0.0.7'))
  assert.deepEqual(from(PROXY, header, 1), known('10.0.0.8'))
  assert.deepEqual(from(PROXY, header, 0), known(PROXY))
  assert.deepEqual(from(PROXY, header, 1_000), known('6.6.6.6'))
})

test('clients of one IPv6 /64 share a limit, and those of the next one do not', () => {
  assert.equal(from('2001:db8:1:2:aaaa::1').limitKey, '2001:db8:1:2::/64')
  assert.equal(from('2001:db8:1:2:bbbb::2').limitKey, '2001:db8:1:2::/64')
  assert.equal(from('2001:db8:1:3::1').limitKey, '2001:db8:1:3::/64')
})

test('no text of a client gets into an address or a limit key', () => {
  const junk = fc.string({ unit: 'binary', maxLength: 60 })
  const entry = fc.oneof(fc.ipV4(), fc.ipV6(), junk, fc.constantFrom('10.0.0.1', 'unknown', ''))
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), fc.boolean(), (entries, viaProxy) => {
      const client = from(viaProxy ? PROXY : '203.0.113.9', entries.join(', '))
      if (client.kind === 'known') assert.notEqual(isIP(client.address), 0)
      assert.notEqual(isIP(client.limitKey.replace(/^peer:|\/64$/g, '')), 0)
    }),
    { numRuns: 2_000 },
  )
})

test('whatever a client writes left of the entry that its proxy appends changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.ipV4(), (spoofed, client) => {
      fc.pre(!client.startsWith('10.'))
      assert.deepEqual(from(PROXY, `${spoofed}, ${client}`), known(client))
    }),
  )
})

test('a list of networks is separated by commas and white space', () => {
  const { cidrs, problems } = parseCidrList(' 10.0.0.0/8,192.0.2.1\n\tfd00::/8 , ')

  assert.deepEqual(problems, [])
  assert.deepEqual(
    cidrs.map(({ prefixBits }) => prefixBits),
    [8, 32, 8],
  )
  assert.deepEqual(parseCidrList(''), { cidrs: [], problems: [] })
})

test('a list of networks names every problem and keeps what is sound', () => {
  const { cidrs, problems } = parseCidrList('10.0.0.5/8 0.0.0.0/0 ::/0 proxy.internal 10.0.0.0/8')

  assert.equal(cidrs.length, 1)
  assert.deepEqual(problems, [
    '"10.0.0.5/8": has bits behind its prefix, want 10.0.0.0/8',
    '"0.0.0.0/0": trusts every address',
    '"::/0": trusts every address',
    '"proxy.internal": want address/bits',
  ])
})

test('a mapped network is sound, with or without bits behind its prefix', () => {
  assert.deepEqual(parseCidrList('::ffff:10.0.0.0/104').problems, [])
  assert.deepEqual(parseCidrList('::ffff:10.0.0.5/104').problems, [
    '"::ffff:10.0.0.5/104": has bits behind its prefix, want 10.0.0.0/8',
  ])
})

test('a list of more networks than one decision may compare is refused whole', () => {
  const { cidrs, problems } = parseCidrList('10.0.0.1 '.repeat(257))

  assert.deepEqual(cidrs, [])
  assert.deepEqual(problems, ['257 networks: want at most 256'])
})
