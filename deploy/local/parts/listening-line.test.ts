import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeListeningLine, portOf } from './listening-line.ts'

test('the log line about listening gives the URLs, wherever it stands among its fields', () => {
  const urls = '{"public":"https://0.0.0.0:8443","admin":"http://127.0.0.1:9090"}'
  const line = `{"level":"info","urls":${urls},"msg":"listening"}`

  assert.deepEqual(decodeListeningLine(line), {
    public: 'https://127.0.0.1:8443',
    admin: 'http://127.0.0.1:9090',
  })
})

test('wildcard addresses are read as the loopback address that reaches them', () => {
  const line = JSON.stringify({
    msg: 'listening',
    urls: { a: 'http://[::]:1', b: 'http://[::1]:2', c: 'http://localhost:3/' },
  })

  assert.deepEqual(decodeListeningLine(line), {
    a: 'http://127.0.0.1:1',
    b: 'http://[::1]:2',
    c: 'http://localhost:3',
  })
})

test('no other line is taken for it', () => {
  for (const line of [
    '',
    'listening',
    '{"msg":"draining","note":"listening"}',
    '{"msg":"listening"}',
    '{"msg":"listening","urls":null}',
    '{"msg":"listening","urls":{"admin":"nowhere"}}',
    '{"msg":"listening","urls":{"admin":',
  ]) {
    assert.equal(decodeListeningLine(line), undefined, line)
  }
})

test('the port of a URL is a number, and 0 when it names none', () => {
  assert.equal(portOf('nats://127.0.0.1:4222'), 4222)
  assert.equal(portOf('https://localhost'), 0)
})
