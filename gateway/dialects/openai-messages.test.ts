import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import type { ChatMessage } from './openai-chat-schema.ts'
import { ollamaMessages } from './openai-messages.ts'

const call = (id: string, name: string, args: string, more: object = {}) => ({
  id,
  type: 'function' as const,
  function: { name, arguments: args },
  ...more,
})

const refusal = (code: string, param: string) => (error: unknown) => {
  assert.ok(error instanceof GatewayError)
  assert.deepEqual([error.code, error.param, error.status], [code, param, 400])
  return true
}

for (const [name, message, expected] of [
  ['system', { role: 'system', content: 'a' }, { role: 'system', content: 'a' }],
  ['developer', { role: 'developer', content: 'a' }, { role: 'system', content: 'a' }],
  ['user', { role: 'user', content: 'a', name: 'Ann' }, { role: 'user', content: 'a' }],
  ['assistant', { role: 'assistant', content: 'a' }, { role: 'assistant', content: 'a' }],
  ['silent assistant', { role: 'assistant', content: null }, { role: 'assistant', content: '' }],
  [
    'thinking assistant',
    { role: 'assistant', content: 'a', reasoning: 'b', reasoning_content: 'c' },
    { role: 'assistant', content: 'a', thinking: 'b' },
  ],
  [
    'assistant of another server',
    { role: 'assistant', content: 'a', reasoning_content: 'c' },
    { role: 'assistant', content: 'a', thinking: 'c' },
  ],
  [
    'refusing assistant',
    { role: 'assistant', content: null, refusal: 'no' },
    { role: 'assistant', content: 'no' },
  ],
  [
    'assistant whose answer comes back as the SDK left it',
    {
      role: 'assistant',
      content: 'a',
      refusal: null,
      parsed: null,
      annotations: [],
      tool_calls: null,
    },
    { role: 'assistant', content: 'a' },
  ],
] as const satisfies readonly (readonly [string, ChatMessage, object])[]) {
  test(`the message of a ${name} is Ollama's`, () => {
    assert.deepEqual(ollamaMessages([message]), [expected])
  })
}

test('texts of several parts are joined in order, and images stand beside them', () => {
  const [message] = ollamaMessages([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is ' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
        { type: 'text', text: 'this?' },
        { type: 'image_url', image_url: 'data:;base64,BBBB' },
        { type: 'image_url', image_url: { url: 'DATA:image/svg+xml;BASE64,CCCC' } },
      ],
    },
  ])

  assert.deepEqual(message, {
    role: 'user',
    content: 'What is this?',
    images: ['AAAA', 'BBBB', 'CCCC'],
  })
})

test('the answer of a tool carries the name that the latest call of its id has', () => {
  const messages = ollamaMessages([
    {
      role: 'assistant',
      tool_calls: [
        call('a', 'get_time', '{}', { index: 0 }),
        call('b', 'get_weather', '{"city":"Łódź"}'),
      ],
    },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: '3 °C' }] },
    { role: 'assistant', content: null, tool_calls: [call('b', 'get_mood', ' ')] },
    { role: 'tool', tool_call_id: 'b', content: 'fine' },
  ])

  assert.deepEqual(messages, [
    {
      role: 'assistant',
      content: '',
      tool_calls: [
        { id: 'a', function: { index: 0, name: 'get_time', arguments: {} } },
        { id: 'b', function: { name: 'get_weather', arguments: { city: 'Łódź' } } },
      ],
    },
    { role: 'tool', content: '3 °C', tool_name: 'get_weather', tool_call_id: 'b' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'b', function: { name: 'get_mood', arguments: {} } }],
    },
    { role: 'tool', content: 'fine', tool_name: 'get_mood', tool_call_id: 'b' },
  ])
})

test('a tool cannot answer a call that was not made before it', () => {
  assert.throws(
    () =>
      ollamaMessages([
        { role: 'tool', tool_call_id: 'a', content: '' },
        { role: 'assistant', tool_calls: [call('a', 'f', '{}')] },
      ]),
    refusal('invalid_value', 'messages[0].tool_call_id'),
  )
})

for (const args of ['{', '[]', '1', 'null', '"{}"', '{"__proto__":{}}', '['.repeat(100_000)]) {
  test(`arguments ${args.slice(0, 20)} are no object and refused by path`, () => {
    assert.throws(
      () =>
        ollamaMessages([
          { role: 'assistant', tool_calls: [call('a', 'f', '{}'), call('b', 'f', args)] },
        ]),
      refusal('invalid_value', 'messages[0].tool_calls[1].function.arguments'),
    )
  })
}

for (const [url, code] of [
  ['https://example.test/a.png', 'unsupported_parameter'],
  ['HTTP://169.254.169.254/', 'unsupported_parameter'],
  ['file:///etc/passwd', 'invalid_value'],
  ['data:image/png,%89PNG', 'invalid_value'],
  ['data:text/html;base64,AAAA', 'invalid_value'],
  ['AAAA', 'invalid_value'],
] as const) {
  test(`an image at ${url} is refused by path`, () => {
    const ask = (image_url: string | { url: string }) => () =>
      ollamaMessages([{ role: 'user', content: [{ type: 'image_url', image_url }] }])

    assert.throws(ask({ url }), refusal(code, 'messages[0].content[0].image_url.url'))
    assert.throws(ask(url), refusal(code, 'messages[0].content[0].image_url'))
  })
}
