import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeIdentity, encodeIdentity, type Identity } from './identity.ts'

const DOMAIN = 'meridian.local'

test('each role is read as it was written', () => {
  const identities: Identity[] = [
    { role: 'gateway' },
    { role: 'ingress', region: 'eu-central' },
    { role: 'worker', region: 'us-east' },
    { role: 'nats', region: 'ap-southeast' },
  ]
  for (const identity of identities) {
    const names = `DNS:localhost, URI:${encodeIdentity(DOMAIN, identity)}, IP Address:127.0.0.1`
    assert.deepEqual(decodeIdentity(names, DOMAIN), identity)
  }
})

test('a peer that cannot be named is nobody', () => {
  const rows = [
    undefined,
    '',
    'DNS:localhost',
    'URI:spiffe://other.domain/role/gateway',
    'URI:spiffe://meridian.local/role/gateway, URI:spiffe://meridian.local/role/gateway',
    'URI:spiffe://meridian.local/region/eu-central/role/gateway',
    'URI:spiffe://meridian.local/role/ingress',
    'URI:spiffe://meridian.local/region/EU/role/ingress',
    'URI:spiffe://meridian.local/region/eu-central/role/admin',
    'URI:https://meridian.local/role/gateway',
    'URI:spiffe://meridian.local/role/gateway/',
  ]
  for (const row of rows) assert.equal(decodeIdentity(row, DOMAIN), undefined, row)
})
