// pure

import { isIPv6 } from 'node:net'

/** Where a Redis is, and as whom to speak to it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Both are `undefined` where nobody logs in; a password alone is the default user's. */
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
}

const PORT = 6_379
const URL_CHARS_MAX = 2_048
const DATABASE = /^\/(?:\d{1,3})?$/

/**
 * Reads `redis://user:password@host:port/0`, or `rediss://` for TLS; `undefined` for anything else.
 *
 * Read here because ioredis takes the query of a URL for options, and prefers them to ours: an
 * address could switch off the time limits.
 */
export function parseRedisAddress(text: string): RedisAddress | undefined {
  const url = text.length > URL_CHARS_MAX ? null : URL.parse(text)
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') return undefined
  if (url.search !== '' || url.hash !== '') return undefined
  if (url.pathname !== '' && !DATABASE.test(url.pathname)) return undefined
  const username = decoded(url.username)
  const password = decoded(url.password)
  if (username === undefined || password === undefined) return undefined
  if (username !== '' && password === '') return undefined
  return {
    host: hostOf(url.hostname),
    port: url.port === '' ? PORT : Number(url.port),
    tls: url.protocol === 'rediss:',
    username: username || undefined,
    password: password || undefined,
    database: Number(url.pathname.slice(1)),
  }
}

/** Writes an address for people to read: without what it says of the one who logs in. */
export function showRedisAddress({ host, port, tls, database }: RedisAddress): string {
  const name = isIPv6(host) ? `[${host}]` : host
  return `${tls ? 'rediss' : 'redis'}://${name}:${port}/${database}`
}

function hostOf(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // A percent sign that stands for itself must be written as %25.
  }
}
