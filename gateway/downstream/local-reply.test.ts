import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { type DialectName, dialectOf, localReply } from './local-reply.ts'

const PATHS: readonly [path: string, dialect: DialectName][] = [
  ['/', 'ollama'],
  ['/?x=1', 'ollama'],
  ['/api', 'ollama'],
  ['/api?x=1', 'ollama'],
  ['/api/chat', 'ollama'],
  ['/api/chat?x=1', 'ollama'],
  ['/v1', 'openai'],
  ['/v1/chat/completions', 'openai'],
  ['/apis', 'openai'],
  ['/API/chat', 'openai'],
  ['/v1/api/', 'openai'],
  ['', 'openai'],
  ['http://other/api/', 'openai'],
]

for (const [path, dialect] of PATHS) {
  test(`the path "${path}" speaks ${dialect}`, () => {
    assert.equal(dialectOf(path), dialect)
  })
}

test('an error of OpenAI has its four keys, and a length in bytes', () => {
  const error = new GatewayError('invalid_value', { message: 'Größe: too large', param: 'size' })

  const { status, headers, body } = localReply(error, 'openai', 0)

  assert.equal(status, 400)
  assert.deepEqual(JSON.parse(body), {
    error: {
      message: 'Größe: too large',
      type: 'invalid_request_error',
      param: 'size',
      code: 'invalid_value',
    },
  })
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  assert.equal(headers['content-length'], Buffer.byteLength(body))
})

test('an error of Ollama is one sentence', () => {
  const { body } = localReply(new GatewayError('unknown_url'), 'ollama', 0)

  assert.deepEqual(JSON.parse(body), { error: 'There is nothing at this URL.' })
})

test('the status of a model server stands before that of the row', () => {
  const error = new GatewayError('model_refused', { status: 422 })

  assert.equal(localReply(error, 'openai', 0).status, 422)
})

test('a client at fault is told not to try again', () => {
  const { headers } = localReply(new GatewayError('invalid_json'), 'openai', 0)

  assert.equal(headers['x-should-retry'], 'false')
  assert.equal(headers['retry-after'], undefined)
})

test('a failure that may pass at once says nothing about trying again', () => {
  const { headers } = localReply(new GatewayError('upstream_error'), 'openai', 0)

  assert.deepEqual(Object.keys(headers), ['content-type', 'content-length'])
})

const WAITS: readonly [retryAfterS: number | undefined, chance: number, seconds: number][] = [
  [undefined, 0, 1],
  [undefined, 0.34, 2],
  [undefined, 0.999, 3],
  [10, 0, 10],
  [10, 0.999, 12],
]

for (const [retryAfterS, chance, seconds] of WAITS) {
  test(`a wait of ${retryAfterS ?? 'unknown'} s is said as ${seconds} s at chance ${chance}`, () => {
    const options = retryAfterS === undefined ? {} : { retryAfterS }
    const { headers } = localReply(new GatewayError('overloaded', options), 'openai', chance)

    assert.equal(headers['retry-after'], seconds)
    assert.equal(headers['retry-after-ms'], seconds * 1_000)
    assert.equal(headers['x-should-retry'], undefined)
  })
}
