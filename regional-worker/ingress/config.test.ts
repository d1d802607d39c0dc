import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { environmentOf } from '../../test/support/bare-region.ts'
import { makeCertificates } from '../../test/support/certificates.ts'
import { ConfigError, type Environment } from '../read-environment.ts'
import { parseConfig } from './config.ts'

const certificates = await makeCertificates({ regions: ['eu-central'] })
after(() => certificates[Symbol.asyncDispose]())
const ENV = environmentOf(certificates, 'nats://127.0.0.1:4222')

function problemsOf(env: Environment): readonly string[] {
  try {
    parseConfig({ ...ENV, ...env }, 'a1b2c3')
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
}

test('what is not said has a default, and the id is the random one', () => {
  const { INGRESS_HOST, INGRESS_PORT, INGRESS_ADMIN_PORT, NATS_URL, ...least } = ENV

  const config = parseConfig(least, 'a1b2c3')

  assert.equal(config.id, 'a1b2c3')
  assert.equal(config.port, 7_443)
  assert.equal(config.adminPort, 9_191)
  assert.deepEqual(config.queues, ['cpu', 'gpu'])
  assert.equal(config.bodyBytesMax, 33_554_432)
  assert.equal(config.readerBytesMax, 4_194_304)
  assert.equal(config.drainMs, 300_000)
  assert.equal(config.isProduction, false)
  assert.deepEqual(config.nats, { url: 'nats://127.0.0.1:4222' })
  assert.ok(Object.isFrozen(config))
})

test('the connection to NATS takes what it is given', () => {
  const { ca, gateway } = certificates

  const { nats } = parseConfig(
    {
      ...ENV,
      NATS_URL: 'tls://nats.example:4222',
      NATS_USER: 'ingress',
      NATS_PASSWORD_FILE: gateway.keyFile,
      NATS_CA_FILE: ca.certFile,
      NATS_CERT_FILE: gateway.certFile,
      NATS_KEY_FILE: gateway.keyFile,
    },
    'a1b2c3',
  )

  assert.deepEqual(nats, {
    url: 'tls://nats.example:4222',
    user: 'ingress',
    passwordFile: gateway.keyFile,
    caFile: ca.certFile,
    certFile: gateway.certFile,
    keyFile: gateway.keyFile,
  })
})

for (const [fault, env, problem] of [
  ['no region', { REGION_ID: undefined }, /REGION_ID is missing/],
  ['a region that is none', { REGION_ID: 'EU' }, /REGION_ID="EU"/],
  ['an id that fits into no subject', { INGRESS_ID: 'a.b' }, /INGRESS_ID="a.b"/],
  ['a certificate that is not there', { INGRESS_CERT_FILE: '/none' }, /INGRESS_CERT_FILE/],
  ['no authority', { MERIDIAN_CA_FILE: undefined }, /MERIDIAN_CA_FILE is missing/],
  ['a queue that fits into no subject', { INGRESS_QUEUES: 'cpu,g*' }, /INGRESS_QUEUES/],
  ['a queue twice', { INGRESS_QUEUES: 'cpu,cpu' }, /INGRESS_QUEUES: want at most 16 names/],
  ['a port that is none', { INGRESS_PORT: '70000' }, /INGRESS_PORT="70000"/],
  [
    'a certificate for NATS without its key',
    { NATS_CERT_FILE: ENV.MERIDIAN_CA_FILE },
    /go together/,
  ],
  ['a body over all bodies', { INGRESS_BODIES_BYTES_MAX: '1000' }, /must not be above/],
  ['a word for yes', { MERIDIAN_PRODUCTION: 'yes' }, /MERIDIAN_PRODUCTION="yes"/],
] as const) {
  test(`an ingress with ${fault} is not started`, () => {
    const problems = problemsOf(env)

    assert.ok(
      problems.some((text) => problem.test(text)),
      problems.join('\n'),
    )
  })
}

test('all problems are told at once', () => {
  assert.equal(problemsOf({ REGION_ID: undefined, INGRESS_PORT: 'x', LOG_LEVEL: 'loud' }).length, 3)
})
