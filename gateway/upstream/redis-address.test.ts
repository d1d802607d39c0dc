import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRedisAddress, type RedisAddress, showRedisAddress } from './redis-address.ts'

const PLAIN: RedisAddress = {
  host: 'redis.example',
  port: 6_379,
  tls: false,
  username: undefined,
  password: undefined,
  database: 0,
}

const READ: readonly [url: string, address: RedisAddress][] = [
  ['redis://redis.example', PLAIN],
  ['redis://redis.example/', PLAIN],
  ['redis://redis.example:7000/12', { ...PLAIN, port: 7_000, database: 12 }],
  ['rediss://redis.example', { ...PLAIN, tls: true }],
  ['redis://127.0.0.1:7000', { ...PLAIN, host: '127.0.0.1', port: 7_000 }],
  ['redis://[::1]:7000', { ...PLAIN, host: '::1', port: 7_000 }],
  ['redis://gateway:s%40crt@redis.example', { ...PLAIN, username: 'gateway', password: 's@crt' }],
  ['redis://:s3cret@redis.example', { ...PLAIN, password: 's3cret' }],
]

for (const [url, address] of READ) {
  test(`${url} is read part by part`, () => {
    assert.deepEqual(parseRedisAddress(url), address)
  })
}

const REFUSED = [
  '',
  'redis.example:6379',
  'http://redis.example',
  'redis://',
  'redis:///0',
  'redis://redis.example/zero',
  'redis://redis.example/0/1',
  'redis://redis.example:70000',
  'redis://redis.example?commandTimeout=9999999',
  'redis://redis.example/0?enableOfflineQueue=true',
  'redis://redis.example#0',
  'redis://gateway@redis.example',
  'redis://:100%@redis.example',
  `redis://${'a'.repeat(2_048)}`,
]

for (const url of REFUSED) {
  test(`"${url.slice(0, 50)}" is no address of a Redis`, () => {
    assert.equal(parseRedisAddress(url), undefined)
  })
}

test('an address is shown without the one who logs in', () => {
  const shown = READ.map(([, address]) => showRedisAddress(address))

  assert.equal(shown.join().includes('s3cret') || shown.join().includes('gateway'), false)
  assert.equal(shown.at(2), 'redis://redis.example:7000/12')
  assert.equal(shown.at(3), 'rediss://redis.example:6379/0')
  assert.equal(shown.at(5), 'redis://[::1]:7000/0')
})
