import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS, type ErrorCode, GatewayError } from './errors.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

test('an error takes status and words from its row', () => {
  const error = new GatewayError('overloaded')

  assert.equal(error.name, 'GatewayError')
  assert.equal(error.status, 503)
  assert.equal(error.row.flag, 'UO')
  assert.equal(error.message, 'Every region that may serve this request is full.')
  assert.deepEqual([error.param, error.retryAfterS, error.cause], [undefined, undefined, undefined])
})

test('what the place of the failure knows better goes before the row', () => {
  const cause = new Error('below')
  const error = new GatewayError('model_refused', {
    message: 'no such format',
    param: 'format',
    status: 422,
    retryAfterS: 7,
    cause,
  })

  assert.deepEqual(
    [error.message, error.param, error.status, error.retryAfterS, error.cause],
    ['no such format', 'format', 422, 7, cause],
  )
})

test('every code has a sentence of its own that names nothing of the inside', () => {
  const sentences = CODES.map((code) => new GatewayError(code).message)

  assert.equal(new Set(sentences).size, CODES.length)
  for (const sentence of sentences) {
    assert.match(sentence, /^[A-Z].*[.!]$/)
    assert.doesNotMatch(sentence, /ollama|nats|redis|undici|ingress|worker|https?:/i)
  }
})

test('a client is told to wait where load passes, and to stop where it is at fault itself', () => {
  const told = (hint: string): ErrorCode[] =>
    CODES.filter((code) => ERRORS[code].retryHint === hint)

  assert.deepEqual(told('wait'), [
    'overloaded',
    'no_region_available',
    'residency_unsatisfiable',
    'draining',
  ])
  assert.deepEqual(told('default'), [
    'request_timeout',
    'upstream_error',
    'stream_interrupted',
    'internal_error',
  ])
  assert.ok(told('stop').every((code) => ERRORS[code].status < 500 || code === 'deadline_exceeded'))
})

test('an error of a client has a status of a client, an error of ours one of a server', () => {
  for (const code of CODES) {
    const { status, source, type } = ERRORS[code]
    assert.equal(status < 500, source === 'downstream', code)
    assert.equal(type === 'server_error', status >= 500, code)
  }
})
