import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import type { AnswerEncoder } from './dialect.ts'
import { JOINED_BYTES_MAX, JoinedAnswer } from './ollama-joined-answer.ts'

const lineOf = (line: object) => Buffer.from(`${JSON.stringify(line)}\n`)

function join(kind: 'chat' | 'generate', lines: readonly object[], answerModel?: string): string {
  const answer = new JoinedAnswer(kind, answerModel)
  for (const line of lines.slice(0, -1)) assert.equal(answer.delta(lineOf(line)), '')
  return answer.done(lineOf(lines.at(-1) ?? {}))
}

const said = (message: object) => ({
  model: 'x',
  created_at: '1',
  message: { role: 'assistant', content: '', ...message },
  done: false,
})
const END = { ...said({}), created_at: '2', done: true, done_reason: 'stop', eval_count: 3 }

test('texts of a chat are joined, its calls and log-probabilities gathered in order', () => {
  const lines = [
    { ...said({ thinking: 'a' }), logprobs: [{ token: 'a' }] },
    said({ thinking: 'b', content: 'c' }),
    {
      ...said({ content: 'd', tool_calls: [{ id: '1' }, { id: '2' }] }),
      logprobs: [{ token: 'd' }],
    },
    said({ tool_calls: [{ id: '3' }] }),
    END,
  ]

  assert.equal(
    join('chat', lines),
    JSON.stringify({
      model: 'x',
      created_at: '2',
      message: {
        role: 'assistant',
        content: 'cd',
        thinking: 'ab',
        tool_calls: [{ id: '1' }, { id: '2' }, { id: '3' }],
      },
      done: true,
      done_reason: 'stop',
      logprobs: [{ token: 'a' }, { token: 'd' }],
      eval_count: 3,
    }),
  )
})

test('a completion has its calls and log-probabilities at the end, as the server does', () => {
  const part = { model: 'x', created_at: '1', response: 'a', thinking: 'b', done: false }
  const lines = [
    { ...part, tool_calls: [{ id: '1' }], logprobs: [{ token: 'a' }] },
    part,
    { model: 'x', created_at: '2', response: '', done: true, context: [1], eval_count: 3 },
  ]

  assert.equal(
    join('generate', lines),
    JSON.stringify({
      model: 'x',
      created_at: '2',
      response: 'aa',
      thinking: 'bb',
      done: true,
      context: [1],
      eval_count: 3,
      tool_calls: [{ id: '1' }],
      logprobs: [{ token: 'a' }],
    }),
  )
})

test('every field of the last line is kept at its place, also those that nobody knows', () => {
  const last = {
    newest: 1,
    model: 'x',
    message: { newest: 2, role: 'assistant', content: 'b', newer: 3 },
    done: true,
    _debug_info: {},
    new: { a: null },
    total_duration: 5,
  }

  assert.equal(
    join('chat', [{ ...said({ content: 'a', thinking: 't' }), logprobs: [0] }, last]),
    JSON.stringify({
      newest: 1,
      model: 'x',
      message: { newest: 2, role: 'assistant', content: 'ab', thinking: 't', newer: 3 },
      done: true,
      _debug_info: {},
      logprobs: [0],
      new: { a: null },
      total_duration: 5,
    }),
  )
})

test('what the last line says itself is joined too, where it says it', () => {
  const last = { ...END, message: { thinking: '2', content: 'b', role: 'assistant' } }

  const { message } = JSON.parse(join('chat', [said({ content: 'a', thinking: '1' }), last]))

  assert.equal(JSON.stringify(message), '{"thinking":"12","content":"ab","role":"assistant"}')
})

test('an answer of one line is that line', () => {
  const loaded = { model: 'x', message: { role: 'assistant', content: '' }, done: true }

  assert.equal(join('chat', [loaded]), JSON.stringify(loaded))
})

test('the answer carries another name when it is told one', () => {
  assert.equal(JSON.parse(join('chat', [said({}), END], 'alias')).model, 'alias')
})

test('tokens are known when the last line has counted them', () => {
  const answer = new JoinedAnswer('chat', undefined)
  answer.delta(lineOf(said({ content: 'a' })))
  assert.deepEqual(answer.usage, {})

  answer.done(lineOf({ ...END, prompt_eval_count: 7 }))

  assert.deepEqual(answer.usage, { inputTokens: 7, outputTokens: 3 })
})

for (const line of [
  '{"error":"an error was encountered while running the model: unexpected EOF"}\n',
  '{"model":"x","mess\n',
  'null\n',
  '{"model":"x","done":false}\n',
  '{"model":"x","message":"a","done":false}\n',
  '{"model":"x","message":{"role":"assistant"},"done":false}\n',
  '{"model":"x","response":"a","done":false}\n',
]) {
  test(`the line ${line.trim()} is the fault of the model server, wherever it comes`, () => {
    const before = new JoinedAnswer('chat', undefined)
    const last = new JoinedAnswer('chat', undefined)

    assert.throws(() => before.delta(Buffer.from(line)), { code: 'upstream_error' })
    assert.throws(() => last.done(Buffer.from(line)), { code: 'upstream_error' })
  })
}

test('an answer without a last line is the fault of the model server', () => {
  const answer = new JoinedAnswer('chat', undefined)
  answer.delta(lineOf(said({ content: 'a' })))

  assert.throws(() => answer.done(lineOf(said({ content: 'b' }))), { code: 'upstream_error' })
})

test('an answer over the limit is refused before it is read', () => {
  const answer = new JoinedAnswer('chat', undefined)
  const blanks = Buffer.alloc(JOINED_BYTES_MAX / 4, '\n')
  for (let parts = 0; parts < 4; parts += 1) answer.delta(blanks)

  assert.throws(() => answer.delta(Buffer.from('no JSON')), {
    code: 'upstream_error',
    message: 'the answer is too long to be sent in one piece, ask for a stream',
  })
})

test('while a whole answer is waited for nothing can be said', () => {
  const answer: AnswerEncoder = new JoinedAnswer('chat', undefined)

  assert.equal(answer.isStream, false)
  assert.equal(answer.contentType, 'application/json; charset=utf-8')
  assert.equal(answer.heartbeat('thinking'), '')
  assert.equal(answer.failure(new GatewayError('upstream_error')), '')
})
