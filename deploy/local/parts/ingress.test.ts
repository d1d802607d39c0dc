import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ingressProcess } from './ingress.ts'

const SPEC = ingressProcess({
  id: 'us-east-ingress',
  entry: '/ingress/main.ts',
  certificatesDir: '/certs',
  environment: () => ({ REGION_ID: 'us-east', NATS_URL: 'nats://127.0.0.1:4222' }),
})

test('an ingress is told who it is, where to listen and whom to trust', () => {
  const { program, args, environment } = SPEC.command(undefined)

  assert.equal(program, process.execPath)
  assert.deepEqual(args, ['/ingress/main.ts'])
  assert.deepEqual(environment, {
    REGION_ID: 'us-east',
    NATS_URL: 'nats://127.0.0.1:4222',
    INGRESS_ID: 'us-east-ingress',
    INGRESS_HOST: '127.0.0.1',
    INGRESS_PORT: '0',
    INGRESS_ADMIN_HOST: '127.0.0.1',
    INGRESS_ADMIN_PORT: '0',
    INGRESS_CERT_FILE: '/certs/us-east-ingress.pem',
    INGRESS_KEY_FILE: '/certs/us-east-ingress-key.pem',
    MERIDIAN_CA_FILE: '/certs/ca.pem',
    MERIDIAN_TRUST_DOMAIN: 'meridian.local',
  })
})

test('an ingress that is started again listens where the gateway knows it', () => {
  const { environment } = SPEC.command({
    adminUrl: 'http://127.0.0.1:9191',
    ingressUrl: 'https://127.0.0.1:7443',
  })

  assert.equal(environment.INGRESS_PORT, '7443')
  assert.equal(environment.INGRESS_ADMIN_PORT, '9191')
})
