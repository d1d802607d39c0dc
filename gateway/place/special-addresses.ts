// pure
// Which addresses are nobody's place. The database is asked about public addresses only: a private
// one may well be in it by accident of the file format (an IPv6 tree keeps IPv4 in `::/96`, so
// `::8.8.8.8` finds the record of 8.8.8.8), and a record found for Teredo describes the relay.

import { type Cidr, type IpBytes, isInCidr, parseCidr, unmapped } from '../downstream/ip-address.ts'

/** What a range without a place is for; the explain record says it. */
export type SpecialUse =
  | 'unspecified'
  | 'private'
  | 'shared' // 100.64.0.0/10, behind a carrier's NAT.
  | 'loopback'
  | 'link-local'
  | 'documentation'
  | 'benchmarking'
  | 'multicast'
  | 'teredo'
  | 'reserved'

interface SpecialRange {
  readonly use: SpecialUse
  readonly cidr: Cidr
}

/** Source: the IANA registries of special-purpose addresses (RFC 6890 and its updates). */
const IPV4_RANGES = rangesOf({
  '0.0.0.0/8': 'unspecified',
  '10.0.0.0/8': 'private',
  '100.64.0.0/10': 'shared',
  '127.0.0.0/8': 'loopback',
  '169.254.0.0/16': 'link-local',
  '172.16.0.0/12': 'private',
  '192.0.0.0/24': 'reserved',
  '192.0.2.0/24': 'documentation',
  '192.88.99.0/24': 'reserved', // 6to4 relays, withdrawn.
  '192.168.0.0/16': 'private',
  '198.18.0.0/15': 'benchmarking',
  '198.51.100.0/24': 'documentation',
  '203.0.113.0/24': 'documentation',
  '224.0.0.0/4': 'multicast',
  '240.0.0.0/4': 'reserved',
})

/**
 * The first that matches counts. Outside 2000::/3 nothing is global unicast; inside it, 6to4
 * (2002::/16) is missing on purpose, because the database aliases it to its IPv4 tree.
 */
const IPV6_RANGES = rangesOf({
  '::/128': 'unspecified',
  '::1/128': 'loopback',
  '64:ff9b:1::/48': 'private', // NAT64 of a local network, unless it is configured as ours.
  'fc00::/7': 'private',
  'fe80::/10': 'link-local',
  'fec0::/10': 'private', // Site-local, withdrawn.
  'ff00::/8': 'multicast',
  '::/3': 'reserved',
  '4000::/2': 'reserved',
  '8000::/1': 'reserved',
  '2001::/32': 'teredo',
  '2001:2::/48': 'benchmarking',
  '2001::/23': 'reserved',
  '2001:db8::/32': 'documentation',
  '3fff::/20': 'documentation',
})

function rangesOf(table: Readonly<Record<string, SpecialUse>>): readonly SpecialRange[] {
  return Object.entries(table).flatMap(([text, use]) => {
    const cidr = parseCidr(text)
    return cidr === undefined ? [] : [{ use, cidr }]
  })
}

/** Tells what a special address is for; `undefined` means a public one, which may have a place. */
export function specialUseOf(bytes: IpBytes): SpecialUse | undefined {
  const ranges = bytes.length === 4 ? IPV4_RANGES : IPV6_RANGES
  for (const { use, cidr } of ranges) if (isInCidr(bytes, cidr)) return use
  return undefined
}

/**
 * Gives the IPv4 address that an IPv6 address stands for, or the address itself.
 *
 * Decoded are `::ffff:0:0/96` and the given NAT64 prefixes, each of 96 bits: the database holds
 * neither. The result may be special: NAT64 of a private address is a private address.
 */
export function carriedAddress(bytes: IpBytes, nat64: readonly Cidr[]): IpBytes {
  if (bytes.length === 4) return bytes
  for (const prefix of nat64) if (isInCidr(bytes, prefix)) return bytes.slice(12)
  return unmapped(bytes)
}

/** `64:ff9b::/96`, the NAT64 prefix that everybody may use (RFC 6052). */
export const WELL_KNOWN_NAT64: Cidr = {
  bytes: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  prefixBits: 96,
}
