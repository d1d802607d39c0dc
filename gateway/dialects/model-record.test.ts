import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { countOf, decodeModelJson, decodeModelRecords } from './model-record.ts'

const decode = (text: string) => decodeModelRecords(Buffer.from(text))

const upstreamError = (cause: RegExp) => (error: unknown) => {
  assert.ok(error instanceof GatewayError)
  assert.equal(error.code, 'upstream_error')
  assert.match(String(error.cause), cause)
  return true
}

test('a line of a chat is its text, thinking and calls', () => {
  const tool_calls = [{ function: { name: 'f', arguments: { x: 1 } } }]
  const message = { role: 'assistant', content: 'a', thinking: 'b', tool_calls }

  const [record] = decode(`${JSON.stringify({ message, done: false })}\n`)

  assert.deepEqual(record, {
    text: 'a',
    thinking: 'b',
    calls: [{ name: 'f', arguments: '{"x":1}' }],
    logprobs: [],
    end: undefined,
  })
})

test('a line of a generation has its text in response', () => {
  const [record] = decode('{"response":"a","thinking":"b","done":false}')

  assert.equal(record?.text, 'a')
  assert.equal(record?.thinking, 'b')
})

test('the last line says why and counts; counters that it leaves out are unknown', () => {
  const counters = { prompt_eval_count: 3, eval_count: 2, prompt_eval_cached_count: 1 }

  const [whole] = decode(JSON.stringify({ done: true, done_reason: 'stop', ...counters }))
  const [bare] = decode('{"done":true}')

  assert.deepEqual(whole?.end, {
    reason: 'stop',
    inputTokens: 3,
    outputTokens: 2,
    cachedTokens: 1,
  })
  assert.deepEqual(bare?.end, {
    reason: '',
    inputTokens: undefined,
    outputTokens: undefined,
    cachedTokens: undefined,
  })
})

test('lines of one payload are read in order, blank ones and a missing last break too', () => {
  const line = (text: string) => JSON.stringify({ message: { content: text }, done: false })

  const records = decode(`${line('a')}\n\n ${line('b')}\r\n${line('c')}`)

  assert.deepEqual(
    records.map(({ text }) => text),
    ['a', 'b', 'c'],
  )
  assert.deepEqual(decode(''), [])
  assert.deepEqual(decode('\n'), [])
})

test('a call without arguments has an empty object of them', () => {
  const [record] = decode('{"message":{"tool_calls":[{"function":{"name":"f"}}]}}')

  assert.deepEqual(record?.calls, [{ name: 'f', arguments: '{}' }])
})

for (const [what, line, cause] of [
  ['not JSON', 'upstream connect error', /SyntaxError/],
  ['cut off', '{"message":{"content":"a', /SyntaxError/],
  ['no object', '"text"', /is not a JSON object/],
  ['an error', '{"error":"model runner has unexpectedly stopped"}', /unexpectedly stopped/],
  ['no part of a generation', '{"models":[]}', /no part of a generation/],
  ['a call without a name', '{"message":{"tool_calls":[{}]}}', /without a name/],
  [
    'a call whose arguments are no object',
    '{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}',
    /arguments are no object/,
  ],
  ['a malformed log-probability', '{"response":"","logprobs":[{}]}', /log-probability/],
] as const) {
  test(`a line that is ${what} is an upstream error`, () => {
    assert.throws(() => decode(line), upstreamError(cause))
  })
}

test('a long error text is kept in part, and only as the cause', () => {
  const error = new Array(1_000).fill('x').join('')

  assert.throws(
    () => decodeModelJson(JSON.stringify({ error })),
    (thrown) => thrown instanceof GatewayError && String(thrown.cause).length < 300,
  )
})

test('a count is a whole number from 0', () => {
  assert.deepEqual([0, 7, -1, 1.5, '7', null].map(countOf), [0, 7, ...new Array(4).fill(undefined)])
})
