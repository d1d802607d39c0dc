import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLauncherConfig } from '../config.ts'
import { gatewayProcess } from './gateway.ts'

const LINKS = { regionsFile: '/run/regions.json', certificatesDir: '/certs', redisUrl: 'redis://r' }

test('the gateway gets its certificates, its regions and the defaults of a start', () => {
  const config = parseLauncherConfig([], { GATEWAY_CONNECT_TIMEOUT_MS: '700' })

  const { environment } = gatewayProcess(config, LINKS).command(undefined)

  assert.deepEqual(environment, {
    GATEWAY_CONNECT_TIMEOUT_MS: '700', // Whatever else the person has set.
    GATEWAY_DRAIN_DELAY_MS: '0',
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_HTTPS_PORT: '8443',
    GATEWAY_ADMIN_HOST: '127.0.0.1',
    GATEWAY_ADMIN_PORT: '9090',
    GATEWAY_TLS_CERT_FILE: '/certs/public.pem',
    GATEWAY_TLS_KEY_FILE: '/certs/public-key.pem',
    GATEWAY_CERT_FILE: '/certs/gateway.pem',
    GATEWAY_KEY_FILE: '/certs/gateway-key.pem',
    GATEWAY_PLACE: '50.1109,8.6821',
    MERIDIAN_CA_FILE: '/certs/ca.pem',
    MERIDIAN_TRUST_DOMAIN: 'meridian.local',
    REGIONS_FILE: '/run/regions.json',
    TRUSTED_PROXIES: '127.0.0.0/8,::1/128',
    REDIS_URL: 'redis://r',
  })
})

test('a gateway that had any port is started again on the one it got', () => {
  const spec = gatewayProcess(parseLauncherConfig(['--ports=any'], {}), LINKS)
  const known = { publicUrl: 'https://localhost:40001', adminUrl: 'http://127.0.0.1:40002' }

  assert.equal(spec.command(undefined).environment.GATEWAY_HTTPS_PORT, '0')
  assert.equal(spec.command(known).environment.GATEWAY_HTTPS_PORT, '40001')
  assert.equal(spec.command(known).environment.GATEWAY_ADMIN_PORT, '40002')
})

test('the public address is the one that the certificate is for', async () => {
  const spec = gatewayProcess(parseLauncherConfig([], {}), LINKS)
  const line =
    '{"msg":"listening","urls":{"public":"https://0.0.0.0:8443","admin":"http://127.0.0.1:9090"}}'

  const addresses = await spec.findAddresses({
    pid: 1,
    over: new AbortController().signal,
    firstLine: async <T>(read: (line: string) => T | undefined) => read(line),
  })

  assert.deepEqual(addresses, {
    publicUrl: 'https://localhost:8443',
    adminUrl: 'http://127.0.0.1:9090',
  })
})
