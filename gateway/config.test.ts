import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigError, type GatewayConfig, parseConfig } from './config.ts'

const folder = await mkdtemp(join(tmpdir(), 'meridian-config-'))
after(() => rm(folder, { recursive: true }))
const FILE = join(folder, 'some.file')
await writeFile(FILE, '')
const MISSING = join(folder, 'missing.file')

/** The least that a gateway needs. */
const LEAST = {
  MERIDIAN_CA_FILE: FILE,
  GATEWAY_CERT_FILE: FILE,
  GATEWAY_KEY_FILE: FILE,
  REGIONS_FILE: FILE,
  GATEWAY_HTTP_PORT: '8080',
}

type Environment = Record<string, string | undefined>

function problemsOf(environment: Environment): readonly string[] {
  try {
    parseConfig(environment)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
}

function problemsWith(more: Environment): readonly string[] {
  return problemsOf({ ...LEAST, ...more })
}

function configWith(more: Environment): GatewayConfig {
  return parseConfig({ ...LEAST, ...more })
}

test('what the environment does not say has its default', () => {
  assert.deepEqual(parseConfig(LEAST), {
    gatewayId: 'local',
    host: '0.0.0.0',
    httpsPort: 8443,
    httpPort: 8080,
    tls: undefined,
    adminHost: '127.0.0.1',
    adminPort: 9090,
    mutualTls: { caFile: FILE, certFile: FILE, keyFile: FILE, trustDomain: 'meridian.local' },
    regionsFile: FILE,
    trustedProxies: [],
    forwardedEntriesMax: 32,
    geoip: { path: undefined, statEveryMs: 60_000, cacheEntriesMax: 65_536 },
    place: undefined,
    logLevel: 'info',
    bodyBytesMax: 33_554_432,
    connectionsMax: 10_000,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    keepAliveTimeoutMs: 65_000,
    probeEveryMs: 1_000,
    probeTimeoutMs: 800,
    probeFall: 3,
    probeRise: 3,
    holdDownMs: 15_000,
    rampMs: 30_000,
    retryFloor: 3,
    residencyDefault: undefined,
    residencyTags: [],
    receiptKeyFile: undefined,
    redis: undefined,
    rttStaleMs: 3_000,
    attemptsMax: 3,
    connectTimeoutMs: 500,
    sendTimeoutMs: 500,
    acceptTimeoutMs: 500,
    queueTimeoutMs: 30_000,
    silenceTimeoutMs: 3_000,
    firstContentDeadlineMs: 120_000,
    totalDeadlineMs: 600_000,
    heartbeatEveryMs: 10_000,
    upstreamConnectionsMax: 1_024,
    readerTimeoutMs: 30_000,
    drainDelayMs: 5_000,
    drainTimeoutMs: 300_000,
  })
})

test('the file of the regions is the one of the project unless said otherwise', () => {
  const { REGIONS_FILE: _file, ...rest } = LEAST

  assert.equal(parseConfig(rest).regionsFile, 'geo-data/regions.json')
})

test('an empty variable is as good as none', () => {
  assert.equal(configWith({ GATEWAY_ID: '', GATEWAY_PLACE: '', LOG_LEVEL: '' }).gatewayId, 'local')
})

test('a config cannot be changed', () => {
  assert.throws(() => Object.assign(parseConfig(LEAST), { host: '::1' }), TypeError)
})

const INTEGERS: readonly [
  name: string,
  of: (config: GatewayConfig) => number | undefined,
  min: number,
  max: number,
  alongside?: Environment,
][] = [
  ['GATEWAY_HTTPS_PORT', (config) => config.httpsPort, 0, 65_535],
  ['GATEWAY_HTTP_PORT', (config) => config.httpPort, 0, 65_535],
  ['GATEWAY_ADMIN_PORT', (config) => config.adminPort, 0, 65_535],
  ['FORWARDED_ENTRIES_MAX', (config) => config.forwardedEntriesMax, 1, 1_000],
  ['GEOIP_STAT_EVERY_MS', (config) => config.geoip.statEveryMs, 100, 86_400_000],
  ['GEOIP_CACHE_ENTRIES_MAX', (config) => config.geoip.cacheEntriesMax, 1, 10_000_000],
  ['GATEWAY_BODY_BYTES_MAX', (config) => config.bodyBytesMax, 1_024, 268_435_456],
  ['GATEWAY_CONNECTIONS_MAX', (config) => config.connectionsMax, 1, 1_000_000],
  [
    'GATEWAY_HEADERS_TIMEOUT_MS',
    (config) => config.headersTimeoutMs,
    100,
    600_000,
    { GATEWAY_REQUEST_TIMEOUT_MS: '600000' },
  ],
  [
    'GATEWAY_REQUEST_TIMEOUT_MS',
    (config) => config.requestTimeoutMs,
    100,
    600_000,
    { GATEWAY_HEADERS_TIMEOUT_MS: '100' },
  ],
  ['GATEWAY_KEEP_ALIVE_TIMEOUT_MS', (config) => config.keepAliveTimeoutMs, 1_000, 600_000],
  [
    'GATEWAY_PROBE_EVERY_MS',
    (config) => config.probeEveryMs,
    50,
    60_000,
    { GATEWAY_PROBE_TIMEOUT_MS: '20' },
  ],
  [
    'GATEWAY_PROBE_TIMEOUT_MS',
    (config) => config.probeTimeoutMs,
    20,
    30_000,
    { GATEWAY_PROBE_EVERY_MS: '60000' },
  ],
  ['GATEWAY_PROBE_FALL', (config) => config.probeFall, 1, 100],
  ['GATEWAY_PROBE_RISE', (config) => config.probeRise, 1, 100],
  ['GATEWAY_RTT_STALE_MS', (config) => config.rttStaleMs, 100, 600_000],
  ['GATEWAY_ATTEMPTS_MAX', (config) => config.attemptsMax, 1, 10],
  ['GATEWAY_CONNECT_TIMEOUT_MS', (config) => config.connectTimeoutMs, 50, 10_000],
  ['GATEWAY_SEND_TIMEOUT_MS', (config) => config.sendTimeoutMs, 50, 60_000],
  ['GATEWAY_ACCEPT_TIMEOUT_MS', (config) => config.acceptTimeoutMs, 50, 60_000],
  ['GATEWAY_QUEUE_TIMEOUT_MS', (config) => config.queueTimeoutMs, 100, 600_000],
  ['GATEWAY_SILENCE_TIMEOUT_MS', (config) => config.silenceTimeoutMs, 100, 60_000],
  [
    'GATEWAY_FIRST_CONTENT_DEADLINE_MS',
    (config) => config.firstContentDeadlineMs,
    1_000,
    900_000,
    { GATEWAY_TOTAL_DEADLINE_MS: '3600000' },
  ],
  [
    'GATEWAY_TOTAL_DEADLINE_MS',
    (config) => config.totalDeadlineMs,
    1_000,
    3_600_000,
    { GATEWAY_FIRST_CONTENT_DEADLINE_MS: '1000' },
  ],
  ['GATEWAY_HEARTBEAT_EVERY_MS', (config) => config.heartbeatEveryMs, 100, 60_000],
  ['GATEWAY_UPSTREAM_CONNECTIONS_MAX', (config) => config.upstreamConnectionsMax, 1, 65_535],
  ['GATEWAY_READER_TIMEOUT_MS', (config) => config.readerTimeoutMs, 100, 600_000],
  ['GATEWAY_DRAIN_DELAY_MS', (config) => config.drainDelayMs, 0, 300_000],
  ['GATEWAY_DRAIN_TIMEOUT_MS', (config) => config.drainTimeoutMs, 0, 3_600_000],
]

for (const [name, of, min, max, alongside = {}] of INTEGERS) {
  test(`${name} is an integer from ${min} to ${max}`, () => {
    const problem = (text: string) => [`${name}="${text}": want an integer from ${min} to ${max}`]

    for (const good of [min, max]) {
      assert.equal(of(configWith({ ...alongside, [name]: String(good) })), good)
    }
    for (const bad of [String(min - 1), String(max + 1), '1.5', '1e3', '5s', ' 5', '-0', '٥']) {
      assert.deepEqual(problemsWith({ ...alongside, [name]: bad }), problem(bad))
    }
  })
}

const TEXTS: readonly [
  name: string,
  of: (config: GatewayConfig) => string,
  good: readonly string[],
  bad: readonly string[],
][] = [
  [
    'GATEWAY_ID',
    (config) => config.gatewayId,
    ['a1', 'a'.repeat(16)],
    ['A', 'a-b', 'a'.repeat(17)],
  ],
  ['GATEWAY_HOST', (config) => config.host, ['::1', 'edge.example'], ['a b', 'http://a']],
  ['GATEWAY_ADMIN_HOST', (config) => config.adminHost, ['0.0.0.0', '::'], ['a/b']],
  [
    'LOG_LEVEL',
    (config) => config.logLevel,
    ['debug', 'warn', 'error', 'silent'],
    ['INFO', 'trace'],
  ],
  [
    'MERIDIAN_TRUST_DOMAIN',
    (config) => config.mutualTls.trustDomain,
    ['example.org'],
    ['Example.org', 'a/b', 'a'.repeat(254)],
  ],
]

for (const [name, of, good, bad] of TEXTS) {
  test(`${name} takes ${good.join(', ')}, and not ${bad.join(', ').slice(0, 40)}`, () => {
    for (const text of good) assert.equal(of(configWith({ [name]: text })), text)
    for (const text of bad) {
      const [problem = '', ...others] = problemsWith({ [name]: text })
      assert.ok(problem.startsWith(`${name}="${text}": want `), problem)
      assert.deepEqual(others, [])
    }
  })
}

for (const name of ['MERIDIAN_CA_FILE', 'GATEWAY_CERT_FILE', 'GATEWAY_KEY_FILE']) {
  test(`${name} must be said, and must be there`, () => {
    assert.deepEqual(problemsWith({ [name]: undefined }), [`${name} is missing`])
    assert.deepEqual(problemsWith({ [name]: MISSING }), [`${name}="${MISSING}": no such file`])
  })
}

test('the public certificate and its key come together, or there is plain HTTP', () => {
  const both = { GATEWAY_TLS_CERT_FILE: FILE, GATEWAY_TLS_KEY_FILE: FILE }
  const together = 'GATEWAY_TLS_CERT_FILE and GATEWAY_TLS_KEY_FILE are needed together'
  const neither = 'GATEWAY_TLS_CERT_FILE is missing (or set GATEWAY_HTTP_PORT for plain HTTP)'

  assert.deepEqual(configWith(both).tls, { certFile: FILE, keyFile: FILE })
  assert.equal(configWith({ ...both, GATEWAY_HTTP_PORT: undefined }).httpPort, undefined)
  assert.deepEqual(problemsWith({ GATEWAY_TLS_CERT_FILE: FILE }), [together])
  assert.deepEqual(problemsWith({ GATEWAY_TLS_KEY_FILE: FILE }), [together])
  assert.deepEqual(problemsWith({ GATEWAY_HTTP_PORT: undefined }), [neither])
  assert.deepEqual(problemsWith({ ...both, GATEWAY_TLS_KEY_FILE: MISSING }), [
    `GATEWAY_TLS_KEY_FILE="${MISSING}": no such file`,
  ])
})

test('the place of the gateway is a latitude and a longitude', () => {
  assert.deepEqual(configWith({ GATEWAY_PLACE: '50.11, -8.68' }).place, { lat: 50.11, lon: -8.68 })
  assert.deepEqual(configWith({ GATEWAY_PLACE: '-90,180' }).place, { lat: -90, lon: 180 })
  for (const bad of ['50', '50,8,1', '91,0', '0,181', 'x,y', '50,', ',8', '50;8', 'NaN,0']) {
    const problem = `GATEWAY_PLACE="${bad}": want "latitude,longitude" in degrees`
    assert.deepEqual(problemsWith({ GATEWAY_PLACE: bad }), [problem])
  }
})

test('trusted proxies are networks, and each that is none is named', () => {
  const { trustedProxies } = configWith({ TRUSTED_PROXIES: '10.0.0.0/8, ::1' })

  assert.equal(trustedProxies.length, 2)
  assert.equal(problemsWith({ TRUSTED_PROXIES: '10.0.0.0/8, all, 300.1.1.1' }).length, 2)
  assert.match(problemsWith({ TRUSTED_PROXIES: 'all' })[0] ?? '', /^TRUSTED_PROXIES: /)
})

test('a database of places is taken by its path', () => {
  assert.equal(configWith({ GEOIP_DATABASE: '/data/city.mmdb' }).geoip.path, '/data/city.mmdb')
})

const RELATIONS: readonly [more: Environment, problem: string][] = [
  [
    { GATEWAY_PROBE_EVERY_MS: '800' },
    'GATEWAY_PROBE_TIMEOUT_MS must be below GATEWAY_PROBE_EVERY_MS',
  ],
  [
    { GATEWAY_HEADERS_TIMEOUT_MS: '30001' },
    'GATEWAY_HEADERS_TIMEOUT_MS must not exceed GATEWAY_REQUEST_TIMEOUT_MS',
  ],
  [
    { GATEWAY_TOTAL_DEADLINE_MS: '119999' },
    'GATEWAY_FIRST_CONTENT_DEADLINE_MS must not exceed GATEWAY_TOTAL_DEADLINE_MS',
  ],
]

for (const [more, problem] of RELATIONS) {
  test(problem, () => {
    assert.deepEqual(problemsWith(more), [problem])
  })
}

test('every problem is named at once', () => {
  const problems = problemsOf({
    GATEWAY_ID: 'Ä',
    GATEWAY_HTTPS_PORT: '-1',
    GATEWAY_PLACE: 'here',
    GATEWAY_PROBE_TIMEOUT_MS: '5000',
    TRUSTED_PROXIES: 'all',
    REGIONS_FILE: MISSING,
  })

  assert.equal(problems.length, 10)
  for (const name of [
    'GATEWAY_ID',
    'GATEWAY_HTTPS_PORT',
    'GATEWAY_PLACE',
    'GATEWAY_PROBE_TIMEOUT_MS',
    'TRUSTED_PROXIES',
    'REGIONS_FILE',
    'GATEWAY_TLS_CERT_FILE',
    'MERIDIAN_CA_FILE',
    'GATEWAY_CERT_FILE',
    'GATEWAY_KEY_FILE',
  ]) {
    assert.equal(problems.filter((problem) => problem.startsWith(name)).length, 1, name)
  }
})

test('the error holds its problems one a line, for whoever prints it', () => {
  const error = new ConfigError(['one', 'two'])

  assert.deepEqual(
    [error.name, error.message, error.problems],
    ['ConfigError', 'one\ntwo', ['one', 'two']],
  )
})
