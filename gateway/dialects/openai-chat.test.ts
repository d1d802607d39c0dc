import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import { openAiChat } from './openai-chat.ts'
import { CHAT_REQUEST } from './openai-chat-schema.ts'

const parse = openAiChat({ choicesMax: 1 })
const parseMany = openAiChat({ choicesMax: 8 })

const MESSAGES = [{ role: 'user', content: 'Hello?' }]
const ask = (fields: object = {}) => ({ model: 'qwen3', messages: MESSAGES, ...fields })
const tool = (name: string, more: object = {}) => ({
  type: 'function',
  function: { name, ...more },
})

const PLAIN = {
  model: 'qwen3',
  messages: MESSAGES,
  stream: true,
  options: { temperature: 1, top_p: 1 },
}
const options = (more: object) => ({ options: { temperature: 1, top_p: 1, ...more } })
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const jsonSchema = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } }

test('a plain request is streamed inside, with the defaults of OpenAI', () => {
  const inner = parse(ask())

  assert.deepEqual(inner.body, PLAIN)
  assert.equal(inner.kind, 'chat')
  assert.equal(inner.model, 'qwen3')
  assert.equal(inner.choices, 1)
  assert.equal(inner.priority, undefined)
  assert.deepEqual(inner.ignored, [])
})

for (const [fields, expected] of [
  [{ max_tokens: 5 }, options({ num_predict: 5 })],
  [{ max_completion_tokens: 6 }, options({ num_predict: 6 })],
  [{ max_tokens: 5, max_completion_tokens: 6 }, options({ num_predict: 6 })],
  [{ temperature: 0 }, options({ temperature: 0 })],
  [{ temperature: 2, top_p: 0 }, options({ temperature: 2, top_p: 0 })],
  [{ seed: -7 }, options({ seed: -7 })],
  [{ stop: 'x' }, options({ stop: ['x'] })],
  [{ stop: ['x', '', 'y'] }, options({ stop: ['x', 'y'] })],
  [{ stop: '' }, options({})],
  [{ stop: [] }, options({})],
  [
    { frequency_penalty: -2, presence_penalty: 2 },
    options({ frequency_penalty: -2, presence_penalty: 2 }),
  ],
  [
    { options: { top_k: 3, temperature: 0.1, seed: 1 }, seed: 2 },
    options({ top_k: 3, temperature: 0.1, seed: 2 }),
  ],
  [{ logprobs: true }, { logprobs: true }],
  [
    { logprobs: true, top_logprobs: 20 },
    { logprobs: true, top_logprobs: 20 },
  ],
  [{ logprobs: false, top_logprobs: 0 }, {}],
  [{ response_format: { type: 'text' } }, {}],
  [{ response_format: { type: 'json_object' } }, { format: 'json' }],
  [{ response_format: jsonSchema }, { format: schema }],
  [{ tools: [] }, {}],
  [{ tools: [], tool_choice: 'auto' }, {}],
  [{ tools: [tool('f', { parameters: schema })] }, { tools: [tool('f', { parameters: schema })] }],
  [{ tools: [tool('f')], tool_choice: 'none' }, {}],
  [
    {
      tools: [tool('f', { description: 'd' }), tool('g')],
      tool_choice: 'auto',
      parallel_tool_calls: false,
    },
    {
      tools: [
        tool('f', { description: 'd', parameters: { type: 'object', properties: {} } }),
        tool('g', { parameters: { type: 'object', properties: {} } }),
      ],
    },
  ],
  [{ reasoning_effort: 'none' }, { think: false }],
  [{ reasoning_effort: 'minimal' }, { think: 'low' }],
  [{ reasoning_effort: 'low' }, { think: 'low' }],
  [{ reasoning_effort: 'medium' }, { think: 'medium' }],
  [{ reasoning_effort: 'high' }, { think: 'high' }],
  [{ reasoning_effort: 'xhigh' }, { think: 'high' }],
  [{ think: true }, { think: true }],
  [{ think: 'max' }, { think: 'max' }],
  [{ think: true, reasoning_effort: 'none' }, { think: false }],
  [{ keep_alive: '5m' }, { keep_alive: '5m' }],
  [{ keep_alive: -1 }, { keep_alive: -1 }],
  [{ logit_bias: {}, functions: [], web_search_options: null, audio: null }, {}],
] as const) {
  test(`${JSON.stringify(fields)} goes to the model server as ${JSON.stringify(expected)}`, () => {
    const inner = parse(ask(fields))

    assert.deepEqual(inner.body, { ...PLAIN, ...expected })
    assert.deepEqual(inner.ignored, [])
  })
}

for (const [fields, ignored] of [
  [{ store: true, metadata: { a: 'b' } }, ['store', 'metadata']],
  [{ store: false, metadata: {}, verbosity: null }, []],
  [
    { safety_identifier: 'x', prediction: { type: 'content', content: '' } },
    ['safety_identifier', 'prediction'],
  ],
  [
    { verbosity: 'low', prompt_cache_options: { a: 1 }, moderation: { a: 1 } },
    ['verbosity', 'prompt_cache_options', 'moderation'],
  ],
  [{ prompt_cache_retention: '24h' }, ['prompt_cache_retention']],
  [{ modalities: ['text'] }, ['modalities']],
  [
    { stream: true, stream_options: { include_obfuscation: true } },
    ['stream_options.include_obfuscation'],
  ],
  [{ stream_options: { include_usage: true } }, ['stream_options.include_usage']],
  [{ stream: true, stream_options: { include_usage: true } }, []],
  [{ service_tier: 'auto' }, ['service_tier']],
  [{ service_tier: 'flex' }, []],
  [{ messages: [{ role: 'user', content: 'a', name: 'Ann' }] }, ['messages[].name']],
  [{ tools: [tool('f', { strict: true })] }, ['tools[].function.strict']],
  [
    { tools: [tool('f')], tool_choice: 'required', response_format: jsonSchema },
    ['response_format'],
  ],
] as const) {
  test(`${JSON.stringify(fields)} changes nothing and names ${JSON.stringify(ignored)}`, () => {
    assert.deepEqual(parse(ask(fields)).ignored, ignored)
  })
}

for (const [fields, code, param] of [
  [{ model: undefined }, 'missing_parameter', 'model'],
  [{ model: '' }, 'invalid_value', 'model'],
  [{ model: 'x'.repeat(257) }, 'invalid_value', 'model'],
  [{ messages: undefined }, 'missing_parameter', 'messages'],
  [{ messages: [] }, 'invalid_value', 'messages'],
  [{ messages: 'Hello?' }, 'invalid_value', 'messages'],
  [
    { messages: [{ role: 'function', name: 'f', content: '' }] },
    'unsupported_parameter',
    'messages[0].role',
  ],
  [
    { messages: [{ role: 'user', content: '', images: [] }] },
    'unknown_parameter',
    'messages[0].images',
  ],
  [
    {
      messages: [
        ...MESSAGES,
        { role: 'user', content: [{ type: 'input_audio', input_audio: {} }] },
      ],
    },
    'unsupported_parameter',
    'messages[1].content[0].input_audio',
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] },
    'unsupported_parameter',
    'messages[0].content[0].file',
  ],
  [
    { messages: [{ role: 'assistant', audio: { id: 'x' } }] },
    'unsupported_parameter',
    'messages[0].audio',
  ],
  [
    { messages: [{ role: 'assistant', function_call: { name: 'f' } }] },
    'unsupported_parameter',
    'messages[0].function_call',
  ],
  [{ max_tokens: 0 }, 'invalid_value', 'max_tokens'],
  [{ max_completion_tokens: 1.5 }, 'invalid_value', 'max_completion_tokens'],
  [{ temperature: 2.1 }, 'invalid_value', 'temperature'],
  [{ temperature: '1' }, 'invalid_value', 'temperature'],
  [{ top_p: -0.1 }, 'invalid_value', 'top_p'],
  [{ seed: 0.5 }, 'invalid_value', 'seed'],
  [{ stop: [1] }, 'invalid_value', 'stop[0]'],
  [{ frequency_penalty: 3 }, 'invalid_value', 'frequency_penalty'],
  [{ top_logprobs: 21, logprobs: true }, 'invalid_value', 'top_logprobs'],
  [{ top_logprobs: 1 }, 'invalid_value', 'top_logprobs'],
  [{ n: 0 }, 'invalid_value', 'n'],
  [{ n: 9 }, 'invalid_value', 'n'],
  [{ n: 2 }, 'unsupported_parameter', 'n'],
  [{ response_format: { type: 'yaml' } }, 'invalid_value', 'response_format.type'],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
    'missing_parameter',
    'response_format.json_schema.schema',
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { schema: 'x' } } },
    'invalid_value',
    'response_format.json_schema.schema',
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { schema: { type: 'map' } } } },
    'invalid_value',
    'response_format.json_schema.schema.type',
  ],
  [
    { tools: [{ type: 'custom', custom: { name: 'f' } }] },
    'unsupported_parameter',
    'tools[0].type',
  ],
  [{ tools: [tool('')] }, 'invalid_value', 'tools[0].function.name'],
  [{ tools: [tool('f', { parameters: [] })] }, 'invalid_value', 'tools[0].function.parameters'],
  [{ tool_choice: 'any' }, 'invalid_value', 'tool_choice'],
  [{ tool_choice: 'required' }, 'invalid_value', 'tool_choice'],
  [
    { tool_choice: 'required', tools: [tool('f'), tool('g')] },
    'unsupported_parameter',
    'tool_choice',
  ],
  [{ tool_choice: tool('g'), tools: [tool('f')] }, 'invalid_value', 'tool_choice.function.name'],
  [{ tool_choice: { type: 'allowed_tools' } }, 'unsupported_parameter', 'tool_choice.type'],
  [{ parallel_tool_calls: 0 }, 'invalid_value', 'parallel_tool_calls'],
  [{ reasoning_effort: 'extreme' }, 'invalid_value', 'reasoning_effort'],
  [{ think: 'extreme' }, 'invalid_value', 'think'],
  [{ options: [] }, 'invalid_value', 'options'],
  [{ keep_alive: true }, 'invalid_value', 'keep_alive'],
  [{ stream_options: { interval: 1 } }, 'unknown_parameter', 'stream_options.interval'],
  [{ modalities: ['text', 'audio'] }, 'unsupported_parameter', 'modalities[1]'],
  [{ logit_bias: { 50256: -100 } }, 'unsupported_parameter', 'logit_bias'],
  [{ audio: { voice: 'alloy' } }, 'unsupported_parameter', 'audio'],
  [{ web_search_options: {} }, 'unsupported_parameter', 'web_search_options'],
  [{ functions: [{ name: 'f' }] }, 'unsupported_parameter', 'functions'],
  [{ function_call: 'auto' }, 'unsupported_parameter', 'function_call'],
  [{ top_k: 40 }, 'unknown_parameter', 'top_k'],
  [{ _debug_render_only: true }, 'unknown_parameter', '_debug_render_only'],
] as const) {
  test(`${JSON.stringify(fields).slice(0, 90)} is refused as ${code} of ${param}`, () => {
    assert.throws(
      () => parse(JSON.parse(JSON.stringify(ask(fields)))),
      (error) => {
        assert.ok(error instanceof GatewayError)
        assert.deepEqual([error.code, error.param, error.status], [code, param, 400])
        assert.ok(error.message.includes(`'${param}'`), error.message)
        return true
      },
    )
  })
}

test('every optional field may be null', () => {
  const { properties, required } = CHAT_REQUEST.schema
  const optionalKeys = Object.keys(properties).filter(
    (key) => !(required as string[]).includes(key),
  )
  const nulls = Object.fromEntries(optionalKeys.map((key) => [key, null]))

  assert.ok(optionalKeys.length > 30)
  assert.deepEqual(parse(ask(nulls)).body, PLAIN)
})

test('functions are refused with the advice to use tools', () => {
  assert.throws(() => parse(ask({ functions: [{}] })), /use tools/)
})

test('a forced function is written to its schema instead of being offered', () => {
  const { body } = parse(
    ask({
      messages: [{ role: 'developer', content: 'Be brief.' }, ...MESSAGES],
      tools: [tool('get_weather', { description: 'Tells the weather.', parameters: schema })],
      tool_choice: tool('get_weather'),
      response_format: { type: 'json_object' },
    }),
  )

  assert.equal('tools' in body, false)
  assert.deepEqual(body.format, schema)
  const [system, user] = body.messages as { role: string; content: string }[]
  assert.equal(system?.role, 'system')
  assert.match(system?.content ?? '', /^Be brief\.\n\n.*"get_weather".*Tells the weather\./)
  assert.deepEqual(user, MESSAGES[0])
})

test('a conversation is kept together by its key, its user, or how it began', () => {
  assert.deepEqual(parse(ask({ prompt_cache_key: 'k', user: 'u' })).affinity, {
    source: 'field',
    text: 'k',
  })
  assert.deepEqual(parse(ask({ user: 'u' })).affinity, { source: 'field', text: 'u' })
  assert.deepEqual(parse(ask()).affinity, { source: 'messages', text: 'user\nHello?\n' })
})

test('the flex tier is of class batch, and no other tier says anything', () => {
  assert.equal(parse(ask({ service_tier: 'flex' })).priority, 'batch')
  assert.equal(parse(ask({ service_tier: 'priority' })).priority, undefined)
})

test('each of several choices has its own seed where one is given', () => {
  const inner = parseMany(ask({ n: 3, seed: 40 }))

  assert.equal(inner.choices, 3)
  assert.equal(inner.bodyOfChoice(0), inner.body)
  assert.deepEqual(
    [0, 1, 2].map((index) => (inner.bodyOfChoice(index).options as { seed: number }).seed),
    [40, 41, 42],
  )
  const unseeded = parseMany(ask({ n: 3 }))
  assert.equal(unseeded.bodyOfChoice(2), unseeded.body)
})

test('any JSON is read, or refused with the path of what is wrong', () => {
  const keys = fc.constantFrom(...Object.keys(CHAT_REQUEST.schema.properties), 'zoo', 'a b')
  const call = fc.record({
    id: fc.constantFrom('a', 'b', ''),
    type: fc.constantFrom('function', 'custom'),
    function: fc.record({
      name: fc.constantFrom('f', ''),
      arguments: fc.constantFrom('{}', '[]', '{', '', '{"__proto__":1}'),
    }),
  })
  const part = fc.oneof(
    fc.record(
      {
        type: fc.constantFrom('text', 'image_url', 'file'),
        text: fc.string(),
        image_url: fc.constantFrom('https://x.test/a', 'data:,a', 'data:;base64,QQ==', null),
      },
      { requiredKeys: ['type'] },
    ),
    fc.jsonValue({ maxDepth: 1 }),
  )
  const message = fc.record(
    {
      role: fc.constantFrom('system', 'user', 'assistant', 'tool', 'function', 'x'),
      content: fc.oneof(fc.string(), fc.array(part, { maxLength: 3 }), fc.constant(null)),
      tool_calls: fc.array(call, { maxLength: 2 }),
      tool_call_id: fc.constantFrom('a', 'b'),
    },
    { requiredKeys: ['role'] },
  )
  const fields = fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  const likely = fc
    .tuple(fields, fc.array(message, { maxLength: 4 }))
    .map(([more, messages]) => ({ model: 'm', messages, ...more }))

  fc.assert(
    fc.property(fc.oneof(likely, fc.jsonValue()), (body) => {
      try {
        JSON.stringify(parseMany(body).body)
      } catch (error) {
        assert.ok(error instanceof GatewayError, String(error))
        assert.equal(error.status, 400)
        const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
        assert.match(error.param ?? '', isObject ? /^([\w$]|\[")/ : /^$/)
      }
    }),
    { numRuns: 3_000 },
  )
})
