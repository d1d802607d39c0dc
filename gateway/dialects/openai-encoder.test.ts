import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { openAiChat } from './openai-chat.ts'
import { AnswerBudget, BUFFERED_CHARS_MAX, type OpenAiEncoder } from './openai-encoder.ts'

const parse = openAiChat({ choicesMax: 8 })
const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 7 }
const MESSAGES = [{ role: 'user', content: 'Hello?' }]

const begin = (fields: object = {}): readonly OpenAiEncoder[] =>
  parse({ model: 'm', messages: MESSAGES, ...fields }).startChoices(FACTS)
const first = (encoders: readonly OpenAiEncoder[]): OpenAiEncoder => {
  const [encoder] = encoders
  assert.ok(encoder)
  return encoder
}

const said = (content: string) =>
  Buffer.from(`${JSON.stringify({ message: { content }, done: false })}\n`)
const last = (more: object = {}) =>
  Buffer.from(`${JSON.stringify({ done: true, done_reason: 'stop', ...more })}\n`)
const chunksOf = (frames: Buffer | string) =>
  frames
    .toString()
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)))

test('a stream has heartbeats as comments and an honest frame for a failure', () => {
  const encoder = first(begin({ stream: true }))

  assert.equal(encoder.contentType, 'text/event-stream; charset=utf-8')
  assert.equal(encoder.heartbeat('loading'), ': loading\n\n')
  const frame = encoder.failure(new GatewayError('stream_interrupted', { message: 'Cut off.' }))
  assert.match(frame, /^data: \{.*\}\n\n$/)
  assert.deepEqual(JSON.parse(frame.slice('data: '.length)), {
    error: { message: 'Cut off.', type: 'server_error', param: null, code: 'stream_interrupted' },
  })
})

test('a body in one piece has neither', () => {
  const encoder = first(begin())

  assert.equal(encoder.contentType, 'application/json; charset=utf-8')
  assert.equal(encoder.isStream, false)
  assert.equal(encoder.heartbeat('queued'), '')
  assert.equal(encoder.failure(new GatewayError('upstream_error')), '')
})

test('usage is what Ollama counted; what it left out is estimated and said to be', () => {
  const counted = first(begin())
  const estimated = first(begin())
  counted.delta(said('four'))
  estimated.delta(said('four'))
  assert.deepEqual(counted.usage, {})
  assert.equal(counted.usageEstimated, true)

  counted.done(last({ prompt_eval_count: 3, eval_count: 2 }))
  const body = JSON.parse(estimated.done(last({ eval_count: 2 })).toString())

  assert.deepEqual(counted.usage, { inputTokens: 3, outputTokens: 2 })
  assert.equal(counted.usageEstimated, false)
  assert.deepEqual(estimated.usage, { outputTokens: 2 })
  assert.equal(estimated.usageEstimated, true)
  const promptTokens = Math.ceil(JSON.stringify({ messages: MESSAGES }).length / 4)
  assert.deepEqual(estimated.tokens, { inputTokens: promptTokens, outputTokens: 2 })
  assert.equal(body.usage.prompt_tokens, promptTokens)
  assert.equal(body.usage.total_tokens, promptTokens + 2)
})

test('after the only call that was wanted the caller may stop and end the answer', () => {
  const encoder = first(begin({ stream: true, parallel_tool_calls: false }))
  const call = { function: { name: 'f', arguments: {} } }
  const line = Buffer.from(JSON.stringify({ message: { tool_calls: [call, call] } }))
  assert.equal(encoder.wantsStop, false)

  const frames = encoder.delta(line).toString()

  assert.equal(encoder.wantsStop, true)
  assert.equal(chunksOf(frames).length, 3)
  assert.equal(encoder.delta(said('more')), '')
  const [finish] = chunksOf(encoder.done(Buffer.alloc(0)))
  assert.equal(finish.choices[0].finish_reason, 'tool_calls')
})

test('several streamed choices are one answer, which the last of them ends', () => {
  const [one, two] = begin({ stream: true, n: 2, stream_options: { include_usage: true } })
  assert.ok(one && two)

  const frames = [
    two.delta(said('b')),
    one.delta(said('a')),
    two.done(last({ prompt_eval_count: 3, eval_count: 1 })),
    one.done(last({ prompt_eval_count: 3, eval_count: 2 })),
  ].map(String)

  const chunks = chunksOf(frames.join(''))
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1)
  assert.deepEqual(
    chunks.flatMap(({ choices }) => choices.map(({ index }: { index: number }) => index)),
    [1, 1, 0, 0, 1, 0],
  )
  assert.deepEqual(
    frames.map((frame) => frame.endsWith('[DONE]\n\n')),
    [false, false, false, true],
  )
  assert.deepEqual(chunks.at(-1).choices, [])
  assert.deepEqual(chunks.at(-1).usage, { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 })
})

test('several choices in one piece are in their order, whichever ends last', () => {
  const [one, two] = begin({ n: 2 })
  assert.ok(one && two)
  one.delta(said('a'))
  two.delta(said('b'))

  assert.equal(two.done(last()), '')
  const { choices } = JSON.parse(one.done(last()).toString())

  assert.deepEqual(
    choices.map(({ index, message }: { index: number; message: { content: string } }) => [
      index,
      message.content,
    ]),
    [
      [0, 'a'],
      [1, 'b'],
    ],
  )
})

test('calls of several choices never share an id', () => {
  const line = Buffer.from(
    '{"message":{"tool_calls":[{"function":{"name":"f"}},{"function":{"name":"f"}}]}}',
  )

  const ids = begin({ stream: true, n: 2 }).flatMap((encoder) =>
    chunksOf(encoder.delta(line)).flatMap(
      ({ choices }) => choices[0].delta.tool_calls?.[0].id ?? [],
    ),
  )

  assert.equal(new Set(ids).size, 4)
  assert.ok(ids.every((id) => /^call_[\w-]{1,35}$/.test(id)))
})

test('a line that is not Ollama’s is an upstream error, streamed or not', () => {
  for (const stream of [true, false]) {
    const encoder = first(begin({ stream }))
    assert.throws(
      () => encoder.delta(Buffer.from('{"error":"out of memory"}\n')),
      (error) => error instanceof GatewayError && error.code === 'upstream_error',
    )
  }
})

test('an answer in one piece has a longest size', () => {
  const budget = new AnswerBudget()
  budget.spend('x'.repeat(BUFFERED_CHARS_MAX))

  assert.throws(() => budget.spend('x'), /ask for a stream/)
})
