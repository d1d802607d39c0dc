import { existsSync } from 'node:fs'
import { parseCidrList } from './downstream/client-address.ts'
import { parseRedisAddress, type RedisAddress } from './upstream/redis-address.ts'

/** Every knob of a gateway process, read once at start. Units are in the names. */
export interface GatewayConfig {
  readonly gatewayId: string
  readonly host: string
  readonly httpsPort: number
  /** Plain HTTP; `undefined` = no such listener. */
  readonly httpPort: number | undefined
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly adminHost: string
  readonly adminPort: number
  /** Identity towards the regions, and the authority that theirs must come from. */
  readonly mutualTls: {
    readonly caFile: string
    readonly certFile: string
    readonly keyFile: string
    readonly trustDomain: string
  }
  readonly regionsFile: string
  readonly trustedProxies: ReturnType<typeof parseCidrList>['cidrs']
  readonly forwardedEntriesMax: number
  readonly geoip: {
    /** `undefined` = the database of the npm package. */
    readonly path: string | undefined
    readonly statEveryMs: number
    readonly cacheEntriesMax: number
  }
  /** Tags that every request needs which has no policy of its own; `undefined` = anywhere. */
  readonly residencyDefault: readonly string[] | undefined
  /** What this gateway's own place satisfies: it sees the text of every request. */
  readonly residencyTags: readonly string[]
  /** Ed25519 private key, PEM; `undefined` = one is made at the start. */
  readonly receiptKeyFile: string | undefined
  readonly place: { readonly lat: number; readonly lon: number } | undefined
  /** What the gateways share, `undefined` = this one is alone. */
  readonly redis: RedisAddress | undefined
  readonly logLevel: string
  readonly bodyBytesMax: number
  readonly connectionsMax: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly probeEveryMs: number
  readonly probeTimeoutMs: number
  readonly probeFall: number
  readonly probeRise: number
  /** How long a region that was down must have answered well before it is tried again. */
  readonly holdDownMs: number
  /** How long a region that came back takes to get its full share. */
  readonly rampMs: number
  /** An older round trip says nothing of a region's nearness any more. */
  readonly rttStaleMs: number
  readonly attemptsMax: number
  /** Retries in 10 s that are always allowed, besides a fifth of the first attempts. */
  readonly retryFloor: number
  readonly connectTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly acceptTimeoutMs: number
  readonly queueTimeoutMs: number
  readonly silenceTimeoutMs: number
  readonly firstContentDeadlineMs: number
  readonly totalDeadlineMs: number
  readonly heartbeatEveryMs: number
  readonly upstreamConnectionsMax: number
  /** How long a client may take nothing at all while bytes wait for it. */
  readonly readerTimeoutMs: number
  readonly drainDelayMs: number
  readonly drainTimeoutMs: number
}

/** A config that cannot be used; the process ends with code 78 after printing every problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {ConfigError} naming every problem at once, so that one restart is enough. */
export function parseConfig(env: Environment): GatewayConfig {
  const read = readerOf(env)
  const config: GatewayConfig = {
    ...parseListeners(read),
    ...parsePlacing(read),
    ...parseLimits(read),
    mutualTls: {
      caFile: read.file('MERIDIAN_CA_FILE', ''),
      certFile: read.file('GATEWAY_CERT_FILE', ''),
      keyFile: read.file('GATEWAY_KEY_FILE', ''),
      trustDomain: read.text('MERIDIAN_TRUST_DOMAIN', 'meridian.local', /^[a-z0-9.-]{1,253}$/),
    },
    redis: read.redis('REDIS_URL'),
    logLevel: read.text('LOG_LEVEL', 'info', /^(debug|info|warn|error|silent)$/),
  }
  if (config.probeTimeoutMs >= config.probeEveryMs) {
    read.problems.push('GATEWAY_PROBE_TIMEOUT_MS must be below GATEWAY_PROBE_EVERY_MS')
  }
  if (config.headersTimeoutMs > config.requestTimeoutMs) {
    read.problems.push('GATEWAY_HEADERS_TIMEOUT_MS must not exceed GATEWAY_REQUEST_TIMEOUT_MS')
  }
  if (config.firstContentDeadlineMs > config.totalDeadlineMs) {
    read.problems.push(
      'GATEWAY_FIRST_CONTENT_DEADLINE_MS must not exceed GATEWAY_TOTAL_DEADLINE_MS',
    )
  }
  if (read.problems.length > 0) throw new ConfigError(read.problems)
  return Object.freeze(config)
}

function parseListeners(read: Reader) {
  const certFile = read.optionalFile('GATEWAY_TLS_CERT_FILE')
  const keyFile = read.optionalFile('GATEWAY_TLS_KEY_FILE')
  const httpPort = read.optionalInteger('GATEWAY_HTTP_PORT', 0, 65_535)
  if ((certFile === undefined) !== (keyFile === undefined)) {
    read.problems.push('GATEWAY_TLS_CERT_FILE and GATEWAY_TLS_KEY_FILE are needed together')
  }
  if (certFile === undefined && read.optionalText('GATEWAY_HTTP_PORT') === undefined) {
    read.problems.push('GATEWAY_TLS_CERT_FILE is missing (or set GATEWAY_HTTP_PORT for plain HTTP)')
  }
  return {
    gatewayId: read.text('GATEWAY_ID', 'local', /^[a-z0-9]{1,16}$/),
    host: read.text('GATEWAY_HOST', '0.0.0.0', /^[0-9A-Za-z.:-]+$/),
    httpsPort: read.integer('GATEWAY_HTTPS_PORT', 8443, 0, 65_535),
    httpPort,
    tls: certFile && keyFile ? { certFile, keyFile } : undefined,
    adminHost: read.text('GATEWAY_ADMIN_HOST', '127.0.0.1', /^[0-9A-Za-z.:-]+$/),
    adminPort: read.integer('GATEWAY_ADMIN_PORT', 9090, 0, 65_535),
  }
}

function parsePlacing(read: Reader) {
  const trusted = parseCidrList(read.text('TRUSTED_PROXIES', '', /^.*$/))
  for (const problem of trusted.problems) read.problems.push(`TRUSTED_PROXIES: ${problem}`)
  return {
    regionsFile: read.file('REGIONS_FILE', 'geo-data/regions.json'),
    trustedProxies: trusted.cidrs,
    forwardedEntriesMax: read.integer('FORWARDED_ENTRIES_MAX', 32, 1, 1_000),
    geoip: {
      path: read.optionalText('GEOIP_DATABASE'),
      statEveryMs: read.integer('GEOIP_STAT_EVERY_MS', 60_000, 100, 86_400_000),
      cacheEntriesMax: read.integer('GEOIP_CACHE_ENTRIES_MAX', 65_536, 1, 10_000_000),
    },
    place: read.place('GATEWAY_PLACE'),
    residencyDefault: read.optionalList('RESIDENCY_DEFAULT'),
    residencyTags: read.optionalList('GATEWAY_RESIDENCY_TAGS') ?? [],
    receiptKeyFile: read.optionalFile('GATEWAY_RECEIPT_KEY_FILE'),
  }
}

function parseLimits(read: Reader) {
  return {
    bodyBytesMax: read.integer('GATEWAY_BODY_BYTES_MAX', 33_554_432, 1_024, 268_435_456),
    connectionsMax: read.integer('GATEWAY_CONNECTIONS_MAX', 10_000, 1, 1_000_000),
    headersTimeoutMs: read.integer('GATEWAY_HEADERS_TIMEOUT_MS', 10_000, 100, 600_000),
    requestTimeoutMs: read.integer('GATEWAY_REQUEST_TIMEOUT_MS', 30_000, 100, 600_000),
    keepAliveTimeoutMs: read.integer('GATEWAY_KEEP_ALIVE_TIMEOUT_MS', 65_000, 1_000, 600_000),
    probeEveryMs: read.integer('GATEWAY_PROBE_EVERY_MS', 1_000, 50, 60_000),
    probeTimeoutMs: read.integer('GATEWAY_PROBE_TIMEOUT_MS', 800, 20, 30_000),
    probeFall: read.integer('GATEWAY_PROBE_FALL', 3, 1, 100),
    probeRise: read.integer('GATEWAY_PROBE_RISE', 3, 1, 100),
    holdDownMs: read.integer('GATEWAY_HOLD_DOWN_MS', 15_000, 0, 300_000),
    rampMs: read.integer('GATEWAY_RAMP_MS', 30_000, 0, 600_000),
    rttStaleMs: read.integer('GATEWAY_RTT_STALE_MS', 3_000, 100, 600_000),
    retryFloor: read.integer('GATEWAY_RETRY_FLOOR', 3, 0, 1_000_000),
    attemptsMax: read.integer('GATEWAY_ATTEMPTS_MAX', 3, 1, 10),
    connectTimeoutMs: read.integer('GATEWAY_CONNECT_TIMEOUT_MS', 500, 50, 10_000),
    sendTimeoutMs: read.integer('GATEWAY_SEND_TIMEOUT_MS', 500, 50, 60_000),
    acceptTimeoutMs: read.integer('GATEWAY_ACCEPT_TIMEOUT_MS', 500, 50, 60_000),
    queueTimeoutMs: read.integer('GATEWAY_QUEUE_TIMEOUT_MS', 30_000, 100, 600_000),
    silenceTimeoutMs: read.integer('GATEWAY_SILENCE_TIMEOUT_MS', 3_000, 100, 60_000),
    firstContentDeadlineMs: read.integer(
      'GATEWAY_FIRST_CONTENT_DEADLINE_MS',
      120_000,
      1_000,
      900_000,
    ),
    totalDeadlineMs: read.integer('GATEWAY_TOTAL_DEADLINE_MS', 600_000, 1_000, 3_600_000),
    heartbeatEveryMs: read.integer('GATEWAY_HEARTBEAT_EVERY_MS', 10_000, 100, 60_000),
    upstreamConnectionsMax: read.integer('GATEWAY_UPSTREAM_CONNECTIONS_MAX', 1_024, 1, 65_535),
    readerTimeoutMs: read.integer('GATEWAY_READER_TIMEOUT_MS', 30_000, 100, 600_000),
    drainDelayMs: read.integer('GATEWAY_DRAIN_DELAY_MS', 5_000, 0, 300_000),
    drainTimeoutMs: read.integer('GATEWAY_DRAIN_TIMEOUT_MS', 300_000, 0, 3_600_000),
  }
}

type Reader = ReturnType<typeof readerOf>

/** Readers of one environment that note each problem and go on with the default. */
function readerOf(env: Environment) {
  const problems: string[] = []
  const optionalText = (name: string): string | undefined => env[name] || undefined
  const text = (name: string, fallback: string, form: RegExp): string => {
    const value = optionalText(name) ?? fallback
    if (form.test(value)) return value
    problems.push(`${name}="${value}": want ${form}`)
    return fallback
  }
  const optionalInteger = (name: string, min: number, max: number): number | undefined => {
    const value = optionalText(name)
    if (value === undefined) return undefined
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN // Number('') would be 0.
    if (number >= min && number <= max) return number
    problems.push(`${name}="${value}": want an integer from ${min} to ${max}`)
    return undefined
  }
  const integer = (name: string, fallback: number, min: number, max: number): number =>
    optionalInteger(name, min, max) ?? fallback
  const optionalFile = (name: string): string | undefined => {
    const path = optionalText(name)
    if (path !== undefined && !existsSync(path)) problems.push(`${name}="${path}": no such file`)
    return path
  }
  const file = (name: string, fallback: string): string => {
    const path = optionalText(name) ?? fallback
    if (path === '') problems.push(`${name} is missing`)
    else if (!existsSync(path)) problems.push(`${name}="${path}": no such file`)
    return path
  }
  const place = (name: string): { lat: number; lon: number } | undefined => {
    const value = optionalText(name)
    if (value === undefined) return undefined
    const [lat, lon, ...rest] = value.split(',').map((part) => Number(part.trim() || Number.NaN))
    if (lat !== undefined && lon !== undefined && rest.length === 0) {
      if (Math.abs(lat) <= 90 && Math.abs(lon) <= 180) return { lat, lon }
    }
    problems.push(`${name}="${value}": want "latitude,longitude" in degrees`)
    return undefined
  }
  const redis = (name: string): RedisAddress | undefined => {
    const value = optionalText(name)
    const address = value === undefined ? undefined : parseRedisAddress(value)
    if (value !== undefined && address === undefined) {
      // Not quoted: it may hold a password.
      problems.push(`${name}: want redis://[user:password@]host[:port][/database], or rediss://`)
    }
    return address
  }
  const optionalList = (name: string): readonly string[] | undefined =>
    optionalText(name)
      ?.split(',')
      .map((entry) => entry.trim())
  return {
    ...{ problems, optionalText, text, optionalInteger, integer },
    ...{ optionalFile, file, place, redis, optionalList },
  }
}
