import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeChat,
  decodeEmbed,
  decodeEmbeddings,
  decodeGenerate,
  decodeOptions,
  decodeShow,
} from './decode-request.ts'
import { Refusal } from './refusal.ts'

const decodeChatOf = (body: object) => decodeChat(JSON.stringify(body))
const decodeGenerateOf = (body: object) => decodeGenerate(JSON.stringify(body))

test('a chat streams, truncates and thinks as the model likes unless it says otherwise', () => {
  const request = decodeChatOf({ model: 'x', messages: [{ role: 'USER', content: 'hi' }] })
  const message = { role: 'user', content: 'hi', images: 0, toolCalls: '' }
  assert.deepEqual(request, {
    model: 'x',
    input: { kind: 'messages', messages: [message] },
    template: '',
    suffix: '',
    contextTokens: 0,
    stream: true,
    renderOnly: false,
    truncate: true,
    keepAliveMs: undefined,
    think: undefined,
    format: undefined,
    tools: [],
    topLogprobs: undefined,
    options: {},
  })
})

test('a chat tells all that it can', () => {
  const parameters = { type: 'object' }
  const calls = [{ function: { name: 'f', arguments: {} } }]
  const request = decodeChatOf({
    model: 'x',
    messages: [
      { role: 'user', content: 'see', images: ['aGk='] },
      { role: 'assistant', content: '', tool_calls: calls },
    ],
    tools: [{ type: 'function', function: { name: 'f', parameters } }],
    stream: false,
    think: 'high',
    format: 'json',
    truncate: false,
    logprobs: true,
    top_logprobs: 3,
    _debug_render_only: true,
    options: { seed: 1 },
  })
  assert.ok(request.input.kind === 'messages')
  const [user, assistant] = request.input.messages
  assert.equal(user?.images, 1)
  assert.equal(assistant?.toolCalls, JSON.stringify(calls))
  assert.deepEqual(request.tools, [{ name: 'f', parameters }])
  const { stream, think, format, truncate, topLogprobs, renderOnly, options } = request
  assert.deepEqual([stream, think, format, truncate], [false, 'high', 'json', false])
  assert.deepEqual([topLogprobs, renderOnly, options], [3, true, { seed: 1 }])
})

test('no messages and an empty prompt are no input', () => {
  assert.equal(decodeChatOf({ model: 'x' }).input.kind, 'none')
  assert.equal(decodeGenerateOf({ model: 'x', system: 's' }).input.kind, 'none')
})

test('a prompt becomes messages unless it is raw', () => {
  const request = decodeGenerateOf({ prompt: 'p', system: 's', context: [1, 2], suffix: 'e' })
  assert.ok(request.input.kind === 'messages')
  const turns = request.input.messages.map(({ role, content }) => `${role}: ${content}`)
  assert.deepEqual(turns, ['system: s', 'user: p'])
  assert.deepEqual([request.contextTokens, request.suffix], [2, 'e'])
  assert.deepEqual(decodeGenerateOf({ prompt: 'p', raw: true }).input, { kind: 'raw', prompt: 'p' })
})

const KEEP_ALIVES: readonly (readonly [value: unknown, ms: number | undefined])[] = [
  [null, undefined],
  [0, 0],
  ['0', 0],
  [30, 30_000],
  [-1, Number.POSITIVE_INFINITY],
  ['-1s', Number.POSITIVE_INFINITY],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['250ms', 250],
]

for (const [value, ms] of KEEP_ALIVES) {
  test(`keep_alive ${JSON.stringify(value)} is ${ms} ms`, () => {
    assert.equal(decodeChatOf({ keep_alive: value }).keepAliveMs, ms)
  })
}

const REFUSED: readonly (readonly [body: object, message: string])[] = [
  [{ keep_alive: 'abc' }, 'time: invalid duration "abc"'],
  [{ keep_alive: '5' }, 'time: missing unit in duration "5"'],
  [{ keep_alive: {} }, "Unsupported type: 'map[string]interface {}'"],
  [{ keep_alive: [] }, "Unsupported type: '[]interface {}'"],
  [{ keep_alive: true }, "Unsupported type: 'bool'"],
  [{ top_logprobs: 21 }, 'top_logprobs must be between 0 and 20'],
  [{ messages: [{ images: ['data:,'] }] }, 'illegal base64 data at input byte 4'],
]

for (const [body, message] of REFUSED) {
  test(`the chat ${JSON.stringify(body)} is refused with: ${message}`, () => {
    assert.throws(() => decodeChatOf(body), new Refusal(400, message))
  })
}

test('raw mode refuses what would need a template', () => {
  for (const extra of [{ system: 's' }, { template: 't' }, { context: [1] }]) {
    assert.throws(() => decodeGenerateOf({ prompt: 'p', raw: true, ...extra }), { status: 400 })
  }
})

test('embeddings take a text, several or none, and nothing else', () => {
  const inputs = (input: unknown) => decodeEmbed(JSON.stringify({ model: 'x', input })).inputs
  assert.deepEqual(inputs('a'), ['a'])
  assert.deepEqual(inputs(['a', '']), ['a', ''])
  assert.deepEqual(inputs(''), [])
  assert.deepEqual(inputs(undefined), [])
  for (const wrong of [5, [5], { a: 1 }]) {
    assert.throws(() => inputs(wrong), new Refusal(400, 'invalid input type'))
  }
  assert.deepEqual(decodeEmbeddings('{"model":"x","prompt":"p"}').inputs, ['p'])
  assert.deepEqual(decodeEmbeddings('{"model":"x"}').inputs, [])
})

test('show takes the model from either field and refuses none', () => {
  assert.equal(decodeShow('{"model":"x","name":""}'), 'x')
  assert.equal(decodeShow('{"model":"","name":"y"}'), 'y')
  assert.throws(() => decodeShow('{}'), new Refusal(400, 'model is required'))
})

test('options have defaults; what is not positive is no limit', () => {
  assert.deepEqual(decodeOptions({}), { numPredict: undefined, numCtx: 4_096, stop: [] })
  assert.equal(decodeOptions({ num_predict: -1 }).numPredict, undefined)
  assert.deepEqual(decodeOptions({ num_predict: 3, num_ctx: 64, stop: ['x'], unknown: {} }), {
    numPredict: 3,
    numCtx: 64,
    stop: ['x'],
  })
})

test('an option of the wrong type is the server’s error, as in Ollama', () => {
  const rows = [
    ['num_predict', 'integer'],
    ['temperature', 'float32'],
    ['stop', 'array'],
  ] as const
  for (const [name, type] of rows) {
    const refusal = new Refusal(500, `option "${name}" must be of type ${type}`)
    assert.throws(() => decodeOptions({ [name]: 'x' }), refusal)
  }
})
