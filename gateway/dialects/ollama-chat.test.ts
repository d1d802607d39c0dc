import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOllamaChat } from './ollama-chat.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }
const HELLO = { model: 'x', messages: [{ role: 'user', content: 'Hello' }] }

test('a request passes with every field as it came, and is always streamed inside', () => {
  const body = {
    keep_alive: '5m',
    model: 'x',
    stream: false,
    messages: [
      { role: 'user', content: 'a', new_field: [1] },
      {
        role: 'assistant',
        content: '',
        thinking: 'b',
        tool_calls: [{ id: 'c', function: { index: 0, name: 'f', arguments: { z: 1, a: 2 } } }],
      },
      { role: 'tool', content: 'd', tool_name: 'f', tool_call_id: 'c' },
    ],
    tools: [{ type: 'function', function: { name: 'f' } }],
    options: { temperature: 0.5, newest_option: { a: 1 } },
    format: { type: 'object' },
    think: 'max',
    logprobs: true,
    newest_field: { b: null },
  }

  const inner = parseOllamaChat(body)

  assert.equal(JSON.stringify(inner.body), JSON.stringify({ ...body, stream: true }))
  assert.equal(inner.kind, 'chat')
  assert.equal(inner.model, 'x')
  assert.deepEqual(inner.ignored, [])
})

test('roles are lower-cased and images are bare base64', () => {
  const { body } = parseOllamaChat({
    model: 'x',
    messages: [{ images: ['data:image/png;base64,aGk='], role: 'USER', content: 'a' }],
  })

  assert.equal(
    JSON.stringify(body.messages),
    JSON.stringify([{ images: ['aGk='], role: 'user', content: 'a' }]),
  )
})

test('what the server judges itself passes: other roles, content in parts, images of null', () => {
  const messages = [
    { role: 'martian', content: [{ type: 'text', text: 'a' }], images: null },
    { content: null },
    {},
  ]

  assert.deepEqual(parseOllamaChat({ model: 'x', messages }).body.messages, messages)
})

for (const messages of [undefined, null, []]) {
  test(`messages ${JSON.stringify(messages)} load the model, and pass as they are`, () => {
    const asked = { model: 'x', messages, keep_alive: 0 }

    const inner = parseOllamaChat(asked)

    assert.deepEqual(inner.body, { ...asked, stream: true })
    assert.deepEqual(inner.affinity, { source: 'none' })
    assert.equal(inner.startAnswer(FACTS).contentType, 'application/json; charset=utf-8')
  })
}

test('a conversation is known by its system prompt and first question', () => {
  const first = {
    ...HELLO,
    messages: [{ role: 'System', content: 'Be brief.' }, ...HELLO.messages],
  }
  const second = { ...first, messages: [...first.messages, { role: 'assistant', content: 'Hi' }] }

  assert.deepEqual(parseOllamaChat(first).affinity, {
    source: 'messages',
    text: 'system\nBe brief.\nuser\nHello\n',
  })
  assert.deepEqual(parseOllamaChat(second).affinity, parseOllamaChat(first).affinity)
})

test('the answer has the form that the client asked for', () => {
  const streamed = parseOllamaChat(HELLO).startAnswer(FACTS)
  const whole = parseOllamaChat({ ...HELLO, stream: false }).startAnswer(FACTS)

  assert.equal(streamed.isStream, true)
  assert.equal(streamed.contentType, 'application/x-ndjson')
  assert.equal(whole.isStream, false)
  assert.equal(whole.contentType, 'application/json; charset=utf-8')
})

for (const [change, param, message] of [
  [{ model: null }, 'model', 'model is required'],
  [{ messages: 'x' }, 'messages', 'messages must be an array'],
  [{ messages: {} }, 'messages', 'messages must be an array'],
  [{ messages: [{}, 'x'] }, 'messages[1]', 'messages[1] must be an object'],
  [{ messages: [null] }, 'messages[0]', 'messages[0] must be an object'],
  [
    { messages: [{}, {}, { images: ['', 1] }] },
    'messages[2].images[1]',
    'messages[2].images[1] must be a base64 string',
  ],
  [{ stream: 1 }, 'stream', 'stream must be a boolean'],
  [{ options: { stop: 'x' } }, 'options.stop', 'option "stop" must be of type array'],
  [{ _debug_render_only: true }, '_debug_render_only', '_debug_render_only is not supported'],
] as const) {
  test(`a chat with ${JSON.stringify(change)} is refused: ${message}`, () => {
    assert.throws(() => parseOllamaChat({ ...HELLO, ...change }), { status: 400, param, message })
  })
}
