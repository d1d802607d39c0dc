// pure
import {
  type Cidr,
  formatIpAddress,
  type IpBytes,
  isInCidr,
  networkOf,
  parseCidr,
  parseIpAddress,
  unmapped,
} from './ip-address.ts'

/**
 * Who is calling. `address` is canonical text of a checked address; `limitKey` is what limits per
 * address count by: the address, the /64 of an IPv6 client (a host is handed a whole /64, so a
 * limit per address would be none), or `peer:<address>` of the proxy that vouched for nobody.
 */
export type ClientAddress =
  | { readonly kind: 'known'; readonly address: string; readonly limitKey: string }
  | { readonly kind: 'unknown'; readonly limitKey: string }

export interface AddressEvidence {
  /** The socket's remote address; `undefined` once the socket is gone. */
  readonly peer: string | undefined
  /** `X-Forwarded-For` as Node joins it: repeated headers in order, separated by commas. */
  readonly forwardedFor: string | undefined
  readonly trusted: readonly Cidr[]
  /** How many entries of the header are examined at most. */
  readonly entriesMax: number
}

/** Longest address 39, zone and port some more; whoever writes longer does not write addresses. */
const ENTRY_CHARS_MAX = 128
/** 256 comparisons for each of 32 entries: 40 µs measured, and only proxies can cause them. */
const CIDRS_MAX = 256
const BRACKETED = /^\[([^[\]]*:[^[\]]*)\](?::(\d{1,5}))?$/
const IPV4_WITH_PORT = /^([\d.]+):(\d{1,5})$/
const PORT_MAX = 65_535

/**
 * Finds the client: the first address, from the socket leftwards, that is no trusted proxy.
 *
 * A trusted proxy is believed about the one entry that it appended, so the walk goes right to left
 * and never believes an entry that a client could have written. When the list runs out, or
 * `entriesMax` are examined, the last address seen is the client. An entry that is no address ends
 * the walk: the client is unknown, and its text goes nowhere.
 */
export function clientAddress(evidence: AddressEvidence): ClientAddress {
  const { peer = '', forwardedFor, trusted, entriesMax } = evidence
  let current = parseEntry(peer)
  if (current === undefined) return { kind: 'unknown', limitKey: 'peer:none' }
  if (forwardedFor === undefined) return known(current)

  let unreadChars = forwardedFor.length // Becomes -1 behind the left-most entry.
  for (let examined = 0; unreadChars >= 0 && examined < entriesMax; examined++) {
    if (!isTrusted(current, trusted)) break
    const comma = forwardedFor.lastIndexOf(',', unreadChars - 1)
    const next = parseEntry(forwardedFor.slice(comma + 1, unreadChars))
    if (next === undefined) return { kind: 'unknown', limitKey: `peer:${formatIpAddress(current)}` }
    current = next
    unreadChars = comma
  }
  return known(current)
}

function isTrusted(bytes: IpBytes, trusted: readonly Cidr[]): boolean {
  for (const cidr of trusted) if (isInCidr(bytes, cidr)) return true
  return false
}

function known(bytes: IpBytes): ClientAddress {
  const address = formatIpAddress(bytes)
  const limitKey = bytes.length === 4 ? address : `${formatIpAddress(networkOf(bytes, 64))}/64`
  return { kind: 'known', address, limitKey }
}

/** Reads an address with or without a port, brackets and zone. */
function parseEntry(text: string): IpBytes | undefined {
  if (text.length > ENTRY_CHARS_MAX) return undefined
  const entry = text.trim()
  const bytes = parseIpAddress(entry) ?? parseWithPort(entry)
  return bytes === undefined ? undefined : unmapped(bytes)
}

function parseWithPort(entry: string): IpBytes | undefined {
  const [, address, port = '0'] = BRACKETED.exec(entry) ?? IPV4_WITH_PORT.exec(entry) ?? []
  if (address === undefined || Number(port) > PORT_MAX) return undefined
  return parseIpAddress(address)
}

/**
 * Parses a list of networks and addresses, separated by commas or white space; empty text is none.
 *
 * Every problem is listed, and what has one is left out. A network that holds every address is a
 * problem: it would make the left-most entry the client, and that one the client writes itself.
 */
export function parseCidrList(text: string): {
  readonly cidrs: readonly Cidr[]
  readonly problems: readonly string[]
} {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '')
  if (entries.length > CIDRS_MAX) {
    return { cidrs: [], problems: [`${entries.length} networks: want at most ${CIDRS_MAX}`] }
  }
  const cidrs: Cidr[] = []
  const problems: string[] = []
  for (const entry of entries) {
    const cidr = parseCidr(entry)
    const problem = cidr === undefined ? 'want address/bits' : problemOf(entry, cidr)
    if (cidr !== undefined && problem === undefined) cidrs.push(cidr)
    else problems.push(`"${entry}": ${problem}`)
  }
  return { cidrs, problems }
}

function problemOf(entry: string, cidr: Cidr): string | undefined {
  if (cidr.prefixBits === 0) return 'trusts every address'
  const written = parseIpAddress(entry.split('/', 1)[0] ?? '')
  const network = formatIpAddress(cidr.bytes)
  if (written !== undefined && formatIpAddress(unmapped(written)) === network) return undefined
  return `has bits behind its prefix, want ${network}/${cidr.prefixBits}`
}
