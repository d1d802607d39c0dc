import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { type ChoicePlan, GenerationChoice } from './generation-choice.ts'

const start = (plan: Partial<ChoicePlan> = {}) =>
  new GenerationChoice({
    callIdPrefix: 'call_x_0',
    forcedFunction: undefined,
    oneCallOnly: false,
    estimateInput: () => 10,
    ...plan,
  })

const bytes = (...lines: object[]) =>
  Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
const text = (content: string) => ({ message: { content }, done: false })
const calls = (...names: string[]) => ({
  message: {
    tool_calls: names.map((name) => ({ function: { index: 0, name, arguments: { a: 1 } } })),
  },
})
const last = (done_reason: string, more: object = {}) => ({ done: true, done_reason, ...more })

const called = (index: number, name: string) => [
  { kind: 'call', index, id: `call_x_0_${index}`, name },
  { kind: 'arguments', index, text: '{"a":1}' },
]

test('thinking comes before text, text before calls, and what says nothing is no part', () => {
  const choice = start()

  const parts = choice.read(
    bytes({ message: { content: 'b', thinking: 'a', ...calls('f').message } }, text('')),
  )

  assert.deepEqual(parts, [
    { kind: 'reasoning', text: 'a' },
    { kind: 'content', text: 'b' },
    ...called(0, 'f'),
  ])
})

test('calls are numbered here and have ids of their own, in one line or in several', () => {
  const choice = start()

  const parts = [...choice.read(bytes(calls('f', 'g'))), ...choice.read(bytes(calls('f')))]

  assert.deepEqual(parts, [...called(0, 'f'), ...called(1, 'g'), ...called(2, 'f')])
})

for (const [reason, made, forcedFunction, finish] of [
  ['stop', text('a'), undefined, 'stop'],
  ['length', text('a'), undefined, 'length'],
  ['load', text(''), undefined, 'stop'],
  ['', text('a'), undefined, 'stop'],
  ['stop', calls('f'), undefined, 'tool_calls'],
  ['length', calls('f'), undefined, 'tool_calls'],
  ['stop', text('{}'), 'f', 'tool_calls'],
  ['length', text('{"a'), 'f', 'length'],
  ['stop', text(''), 'f', 'stop'],
] as const) {
  const name = forcedFunction === undefined ? 'an answer' : `the forced call of ${forcedFunction}`
  test(`${name} of ${JSON.stringify(made.message)} ends by "${reason}" as ${finish}`, () => {
    const choice = start({ forcedFunction })
    choice.read(bytes(made))

    choice.end(bytes(last(reason)))

    assert.equal(choice.finishReason, finish)
  })
}

test('the text of a forced function is the arguments of its one call', () => {
  const choice = start({ forcedFunction: 'f' })

  const parts = [...choice.read(bytes(text('{"a"'))), ...choice.read(bytes(text(':1}')))]

  assert.deepEqual(parts, [
    { kind: 'call', index: 0, id: 'call_x_0_0', name: 'f' },
    { kind: 'arguments', index: 0, text: '{"a"' },
    { kind: 'arguments', index: 0, text: ':1}' },
  ])
  assert.equal(choice.wantsStop, false)
})

test('where one call is wanted, what follows it is ignored and the generation may stop', () => {
  const choice = start({ oneCallOnly: true })
  assert.deepEqual(choice.read(bytes(text('a'))), [{ kind: 'content', text: 'a' }])
  assert.equal(choice.wantsStop, false)

  const parts = choice.read(bytes(calls('f', 'g'), text('b')))

  assert.deepEqual(parts, called(0, 'f'))
  assert.equal(choice.wantsStop, true)
  assert.deepEqual(choice.read(bytes(calls('h'))), [])
  assert.deepEqual(choice.end(Buffer.alloc(0)), [])
  assert.equal(choice.finishReason, 'tool_calls')
  assert.equal(choice.tally.isEstimated, true)
})

test('counters count also when the generation ended by itself after the only call', () => {
  const choice = start({ oneCallOnly: true })
  choice.read(bytes(calls('f')))

  choice.end(bytes(last('stop', { prompt_eval_count: 3, eval_count: 4 })))

  assert.deepEqual(choice.tally.counted, { inputTokens: 3, outputTokens: 4 })
})

test('the last line may still say something', () => {
  assert.deepEqual(start().end(bytes({ ...text('a'), ...last('stop') })), [
    { kind: 'content', text: 'a' },
  ])
})

for (const [what, lastLine] of [
  ['nothing', Buffer.alloc(0)],
  ['a line that is not done', bytes(text('a'))],
] as const) {
  test(`an answer that ends with ${what} is truncated, which is an upstream error`, () => {
    assert.throws(
      () => start().end(lastLine),
      (error) => error instanceof GatewayError && error.code === 'upstream_error',
    )
  })
}

test('log-probabilities go with their own line, or wait for the next part', () => {
  const choice = start()
  const logprobs = (...tokens: string[]) => tokens.map((token) => ({ token, logprob: -1 }))

  const parts = choice.read(
    bytes(
      { ...text('a'), logprobs: logprobs('a') },
      { ...text(''), logprobs: logprobs('b') },
      { ...text('bc'), logprobs: logprobs('c') },
      { ...text(''), logprobs: logprobs('d') },
    ),
  )

  assert.deepEqual(parts, [
    { kind: 'content', text: 'a', logprobs: logprobs('a') },
    { kind: 'content', text: 'bc', logprobs: logprobs('b', 'c') },
  ])
  assert.deepEqual(choice.takeLogprobs(), logprobs('d'))
  assert.deepEqual(choice.takeLogprobs(), [])
})
