import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import {
  ollamaUrlOf,
  PROJECT_DIR,
  parseLauncherConfig,
  parseRegionCommand,
  STORE_DIR,
} from './config.ts'

test('without arguments there are all regions, two workers each, on fixed ports', () => {
  const config = parseLauncherConfig([], {})

  assert.equal(config.regionIds, undefined)
  assert.equal(config.regionsFile, join(PROJECT_DIR, 'geo-data/regions.json'))
  assert.equal(config.workersPerRegion, 2)
  assert.equal(config.slotsPerWorker, 2)
  assert.equal(config.runtimeDir, STORE_DIR)
  assert.equal(config.modelServer, 'detect')
  assert.equal(config.report, 'banner')
  assert.equal(config.restart, true)
  assert.deepEqual(config.gateway, {
    host: '127.0.0.1',
    httpsPort: 8443,
    adminHost: '127.0.0.1',
    adminPort: 9090,
    place: '50.1109,8.6821',
    trustedProxies: '127.0.0.0/8,::1/128',
  })
})

test('every argument has its place, and programs stay in the store of the project', () => {
  const config = parseLauncherConfig(
    [
      '--runtime=elsewhere',
      '--regions=us-east,eu-central',
      '--workers=3',
      '--slots=4',
      '--ports=any',
      '--json',
      '--no-restart',
      '--stand-in',
    ],
    { GATEWAY_HTTPS_PORT: '443' },
  )

  assert.equal(config.runtimeDir, resolve('elsewhere'))
  assert.equal(config.storeDir, STORE_DIR)
  assert.deepEqual(config.regionIds, ['us-east', 'eu-central'])
  assert.equal(config.workersPerRegion, 3)
  assert.equal(config.slotsPerWorker, 4)
  assert.equal(config.gateway.httpsPort, 0)
  assert.equal(config.gateway.adminPort, 0)
  assert.equal(config.report, 'json')
  assert.equal(config.restart, false)
  assert.equal(config.modelServer, 'stand-in')
  assert.equal(parseLauncherConfig(['--ollama'], {}).modelServer, 'ollama')
})

test('the environment says what the gateway, Ollama and Redis are', () => {
  const config = parseLauncherConfig([], {
    GATEWAY_HTTPS_PORT: '443',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_HOST: '0.0.0.0',
    GATEWAY_PLACE: '1,2',
    TRUSTED_PROXIES: '',
    OLLAMA_HOST: 'gpu-box',
    REDIS_URL: 'redis://cache:6379',
  })

  assert.equal(config.gateway.httpsPort, 443)
  assert.equal(config.gateway.adminPort, 0)
  assert.equal(config.gateway.host, '0.0.0.0')
  assert.equal(config.gateway.place, '1,2')
  assert.equal(config.gateway.trustedProxies, '') // Nobody is, if that is what is said.
  assert.equal(config.ollamaUrl, 'http://gpu-box:11434')
  assert.equal(config.redisUrl, 'redis://cache:6379')
})

test('everything that is wrong is told at once', () => {
  const args = [
    '--workers=0',
    '--slots=many',
    '--ports=8443',
    '--regions=us-east,,US',
    '--ollama',
    '--stand-in',
  ]

  assert.throws(() => parseLauncherConfig(args, { GATEWAY_HTTPS_PORT: '70000' }), {
    name: 'LaunchError',
    exitCode: 64,
    message: [
      '--regions: "" is no region id',
      '--regions: "US" is no region id',
      '--ports="8443": want "any"; GATEWAY_HTTPS_PORT sets a fixed one',
      '--ollama and --stand-in exclude each other',
      '--workers="0": want an integer from 1 to 16',
      '--slots="many": want an integer from 1 to 16',
      'GATEWAY_HTTPS_PORT="70000": want an integer from 1 to 65535',
    ].join('\n'),
  })
})

test('an argument that nobody knows is refused', () => {
  assert.throws(() => parseLauncherConfig(['--job'], {}), { exitCode: 64, message: /--job/ })
  assert.throws(() => parseLauncherConfig(['us-east'], {}), { exitCode: 64, message: /us-east/ })
})

test('Ollama is looked for where its own clients would look', () => {
  const cases = [
    [undefined, 'http://127.0.0.1:11434'],
    ['', 'http://127.0.0.1:11434'],
    ['gpu-box', 'http://gpu-box:11434'],
    ['gpu-box:8080', 'http://gpu-box:8080'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
    ['http://gpu-box:8080/', 'http://gpu-box:8080'],
    ['https://models.example', 'https://models.example'],
    ['[::1]:8080', 'http://[::1]:8080'],
    ['[::]:8080', 'http://127.0.0.1:8080'],
  ] as const

  for (const [host, url] of cases) assert.equal(ollamaUrlOf(host), url, String(host))
})

test('a region command is an action, a region and perhaps another runtime folder', () => {
  assert.deepEqual(parseRegionCommand(['kill', 'us-east']), {
    action: 'kill',
    regionId: 'us-east',
    runtimeDir: STORE_DIR,
  })
  assert.equal(parseRegionCommand(['start', 'x', '--runtime=/r']).runtimeDir, '/r')
})

test('a region command that is incomplete, unknown or too long gets the usage line', () => {
  for (const args of [[], ['kill'], ['explode', 'us-east'], ['kill', 'us-east', 'eu-central']]) {
    assert.throws(() => parseRegionCommand(args), {
      exitCode: 64,
      message: 'usage: npm run region -- kill|stop|cont|drain|start <region>',
    })
  }
})
