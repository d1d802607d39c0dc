// pure
//
// Who a process is, written in its certificate as one SPIFFE-style URI. Both ends of an inner link
// compare role and region; the name of the host does not matter, because ingresses move.

export type Role = 'gateway' | 'ingress' | 'worker' | 'nats'

export type Identity =
  | { readonly role: 'gateway' }
  | { readonly role: Exclude<Role, 'gateway'>; readonly region: string }

/** The form of a region's id, wherever one is read. */
export const REGION_ID = /^[a-z][a-z0-9-]{1,31}$/

/** Writes the URI that stands in the certificate's subject alternative name. */
export function encodeIdentity(trustDomain: string, identity: Identity): string {
  const region = identity.role === 'gateway' ? '' : `/region/${identity.region}`
  return `spiffe://${trustDomain}${region}/role/${identity.role}`
}

/**
 * Reads a peer from the `subjectaltname` text of Node's certificate object, such as
 * `DNS:localhost, URI:spiffe://meridian.local/role/gateway`.
 *
 * No URI, a URI of another trust domain or form, and more than one URI (TLS itself accepts that)
 * are all `undefined`: a peer that cannot be named is nobody.
 */
export function decodeIdentity(
  subjectAltName: string | undefined,
  trustDomain: string,
): Identity | undefined {
  const uris = (subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length))
  const [uri] = uris
  if (uris.length !== 1 || uri === undefined) return undefined
  const match = /^spiffe:\/\/([^/]+)(?:\/region\/([^/]+))?\/role\/([a-z]+)$/.exec(uri)
  if (match === null || match[1] !== trustDomain) return undefined
  const [, , region, role] = match
  if (role === 'gateway') return region === undefined ? { role } : undefined
  if (role !== 'ingress' && role !== 'worker' && role !== 'nats') return undefined
  return region !== undefined && REGION_ID.test(region) ? { role, region } : undefined
}
