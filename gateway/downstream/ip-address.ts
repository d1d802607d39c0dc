// pure
// Addresses as bytes, because text has too many forms to compare: a network is a few leading bits,
// and two spellings of one address must become one rate-limit bucket. Accepts what `net.isIP`
// accepts and nothing else: `010.0.0.1`, which some parsers read as octal, is no address.

/** An address in network order: 4 bytes are IPv4, 16 are IPv6. */
export type IpBytes = readonly number[]

/** The addresses that begin with the first `prefixBits` of `bytes`. */
export interface Cidr {
  readonly bytes: IpBytes
  readonly prefixBits: number
}

const IPV4_CHARS_MAX = 15
const DOT = 46
const COLON = 58
const DIGIT_ZERO = 48
const ZONE = /^[0-9a-z.:-]+$/i
const DECIMAL = /^(?:0|[1-9]\d{0,2})$/

/**
 * Parses an address as strictly as `net.isIP` does; anything else is `undefined`.
 *
 * The zone of an IPv6 address (`fe80::1%eth0`) is checked and dropped: it names an interface of the
 * host that wrote it, and says nothing here. `::ffff:1.2.3.4` stays IPv6, see `unmapped`.
 */
export function parseIpAddress(text: string): IpBytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Reads characters, not parts: this is on the path of every request, and splitting costs twice. */
function parseIpv4(text: string): IpBytes | undefined {
  if (text.length > IPV4_CHARS_MAX) return undefined
  const bytes: number[] = []
  let value = -1
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? DOT : text.charCodeAt(at)
    if (code === DOT) {
      if (value < 0) return undefined
      bytes.push(value)
      value = -1
      continue
    }
    const digit = code - DIGIT_ZERO
    if (digit < 0 || digit > 9 || value === 0) return undefined // A zero may only stand alone.
    value = value < 0 ? digit : value * 10 + digit
    if (value > 255) return undefined
  }
  return bytes.length === 4 ? bytes : undefined
}

function parseIpv6(text: string): IpBytes | undefined {
  const zoneAt = text.indexOf('%')
  if (zoneAt !== -1 && !ZONE.test(text.slice(zoneAt + 1))) return undefined
  const address = zoneAt === -1 ? text : text.slice(0, zoneAt)
  const gapAt = address.indexOf('::')
  const bytes: number[] = []
  if (gapAt === -1) {
    return pushGroups(bytes, address, 'last-may-be-ipv4') && bytes.length === 16 ? bytes : undefined
  }
  if (!pushGroups(bytes, address.slice(0, gapAt), 'hexadecimal')) return undefined
  const headBytes = bytes.length
  if (!pushGroups(bytes, address.slice(gapAt + 2), 'last-may-be-ipv4')) return undefined
  if (bytes.length > 14) return undefined // `::` stands for one group at least.
  const tail = bytes.splice(headBytes)
  while (bytes.length + tail.length < 16) bytes.push(0)
  return bytes.concat(tail)
}

/** Reads groups between single colons; no text is no groups. Returns whether all was sound. */
function pushGroups(
  bytes: number[],
  text: string,
  form: 'hexadecimal' | 'last-may-be-ipv4',
): boolean {
  let value = 0
  let digits = 0
  for (let at = 0; at < text.length; at++) {
    const digit = hexDigit(text.charCodeAt(at))
    if (digit >= 0 && digits < 4) {
      value = value * 16 + digit
      digits += 1
    } else if (text.charCodeAt(at) === COLON && digits > 0 && at < text.length - 1) {
      bytes.push(value >> 8, value & 0xff)
      value = 0
      digits = 0
    } else if (text.charCodeAt(at) === DOT && digits > 0 && form === 'last-may-be-ipv4') {
      const ipv4 = parseIpv4(text.slice(at - digits))
      if (ipv4 !== undefined) bytes.push(...ipv4)
      return ipv4 !== undefined
    } else {
      return false
    }
  }
  if (digits > 0) bytes.push(value >> 8, value & 0xff)
  return true
}

/** The value of a hexadecimal digit in either case, or -1. */
function hexDigit(code: number): number {
  if (code >= DIGIT_ZERO && code < DIGIT_ZERO + 10) return code - DIGIT_ZERO
  const letter = code | 0x20 // Lower case.
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

/** Writes the one canonical text: dotted, or lower case with the longest zeros cut (RFC 5952). */
export function formatIpAddress(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  const { start, end } = longestZeroRun(groups)
  if (end - start < 2) return hexOf(groups) // A single zero is written out.
  return `${hexOf(groups.slice(0, start))}::${hexOf(groups.slice(end))}`
}

/** Finds the first of the longest runs; `start` = `end` when there is no zero. */
function longestZeroRun(groups: readonly number[]): { start: number; end: number } {
  let best = { start: 0, end: 0 }
  let start = 0
  for (const [at, group] of groups.entries()) {
    if (group !== 0) start = at + 1
    else if (at + 1 - start > best.end - best.start) best = { start, end: at + 1 }
  }
  return best
}

function hexOf(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':')
}

/** Gives the IPv4 address inside `::ffff:0:0/96`, which is how a dual-stack socket spells it. */
export function unmapped(bytes: IpBytes): IpBytes {
  return isInCidr(bytes, MAPPED) ? bytes.slice(12) : bytes
}

const MAPPED: Cidr = { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0], prefixBits: 96 }

/**
 * Parses `address/bits`, or an address alone as the network of that one address.
 *
 * Bits beyond the prefix are cleared. A mapped network (`::ffff:10.0.0.0/104`) becomes its IPv4
 * one, because the addresses that it is compared with were unmapped too. A zone is no network.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const bytes = parseIpAddress(slash === -1 ? text : text.slice(0, slash))
  if (bytes === undefined || text.includes('%')) return undefined
  const bitsText = slash === -1 ? String(bytes.length * 8) : text.slice(slash + 1)
  const prefixBits = DECIMAL.test(bitsText) ? Number(bitsText) : Number.NaN
  if (!(prefixBits <= bytes.length * 8)) return undefined
  const cidr = { bytes: networkOf(bytes, prefixBits), prefixBits }
  return prefixBits >= MAPPED.prefixBits && isInCidr(cidr.bytes, MAPPED)
    ? { bytes: unmapped(cidr.bytes), prefixBits: prefixBits - MAPPED.prefixBits }
    : cidr
}

/** Clears every bit behind the first `prefixBits`. */
export function networkOf(bytes: IpBytes, prefixBits: number): IpBytes {
  return bytes.map((byte, at) => byte & maskOf(prefixBits - at * 8))
}

/** Tells whether an address lies in a network. IPv4 is in no IPv6 network, nor the reverse. */
export function isInCidr(bytes: IpBytes, { bytes: network, prefixBits }: Cidr): boolean {
  if (bytes.length !== network.length) return false
  for (let at = 0; at * 8 < prefixBits; at++) {
    const differing = (bytes[at] ?? 0) ^ (network[at] ?? 0)
    if ((differing & maskOf(prefixBits - at * 8)) !== 0) return false
  }
  return true
}

/** The mask of one byte of which the first `bits` count: all from 8 on, none from 0 down. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff
}
