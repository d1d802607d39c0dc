import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, chat, generate, MODEL, plainWords } from './ask.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

const COUNTER_KEYS = [
  'total_duration',
  'load_duration',
  'prompt_eval_count',
  'prompt_eval_duration',
  'eval_count',
  'eval_duration',
] as const

test('an answer is a stream of lines, one a token, and a last one with all counters', async () => {
  await using standIn = await startOllamaStandIn()

  const answer = await chat(standIn.url, 'Say hello.')

  assert.equal(answer.headers.get('content-type'), 'application/x-ndjson')
  assert.equal(answer.headers.get('server'), 'meridian-ollama-stand-in')
  assert.equal(answer.objects.length, 21)
  assert.equal(answer.content, plainWords(1, 20))
  assert.ok(answer.objects.slice(0, -1).every(({ done }) => done === false))
  assert.deepEqual([answer.last.done, answer.last.done_reason], [true, 'stop'])
  for (const key of COUNTER_KEYS) {
    const value = answer.last[key] ?? 0
    assert.ok(Number.isInteger(value) && value > 0, key)
  }
  assert.equal(answer.last.eval_count, 20)
})

test('the lines of an answer carry times in order, to the nanosecond', async () => {
  await using standIn = await startOllamaStandIn()
  const { objects } = await generate(standIn.url, 'Say hello.')
  const times = objects.map(({ created_at }) => created_at ?? '')
  for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)
  const comparable = times.map((time) => {
    const [seconds, fraction = ''] = time.slice(0, -1).split('.')
    return `${seconds}.${fraction.padEnd(9, '0')}`
  })
  assert.deepEqual(comparable, comparable.toSorted())
})

test('without streaming the answer is one object', async () => {
  await using standIn = await startOllamaStandIn()
  const whole = await chat(standIn.url, 'Say hello.', { stream: false })
  assert.equal(whole.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(whole.objects.length, 1)
  assert.deepEqual([whole.content, whole.last.done], [plainWords(1, 20), true])
  const generated = await generate(standIn.url, 'Say hello.', { stream: false })
  assert.equal(generated.last.response, plainWords(1, 20))
})

test('num_predict bounds an answer, and counters count what was really said', async () => {
  await using standIn = await startOllamaStandIn()
  const { content, last } = await chat(standIn.url, 'Hi.', { options: { num_predict: 3, seed: 1 } })
  assert.deepEqual([content, last.done_reason, last.eval_count], ['w1 w2 w3', 'length', 3])
  const one = await chat(standIn.url, 'Hi.', { options: { num_predict: 1 } })
  assert.ok(!('eval_duration' in one.last), 'one token takes no time, and zero is left out')
})

test('a longer prompt has more tokens, up to the context length', async () => {
  await using standIn = await startOllamaStandIn()
  const short = await chat(standIn.url, 'Hi.')
  const long = await chat(standIn.url, 'Hi. '.repeat(100))
  assert.ok((long.last.prompt_eval_count ?? 0) > (short.last.prompt_eval_count ?? 0))
  const cut = await chat(standIn.url, 'Hi. '.repeat(100), { options: { num_ctx: 32 } })
  assert.equal(cut.last.prompt_eval_count, 32)
})

test('an empty request loads the model, and unloads it when it is not to stay', async () => {
  await using standIn = await startOllamaStandIn()
  const loadedModels = async () =>
    (await (await fetch(`${standIn.url}/api/ps`)).text()).includes(MODEL)

  assert.equal(await loadedModels(), false)
  const loaded = await ask(`${standIn.url}/api/chat`, { model: MODEL, messages: [] })
  assert.deepEqual([loaded.last.done, loaded.last.done_reason], [true, 'load'])
  assert.equal(await loadedModels(), true)

  const unloaded = await ask(`${standIn.url}/api/generate`, { model: MODEL, keep_alive: 0 })
  assert.deepEqual([unloaded.last.response, unloaded.last.done_reason], ['', 'unload'])
  assert.equal(await loadedModels(), false)

  await chat(standIn.url, 'Hi.', { keep_alive: 0 })
  assert.equal(await loadedModels(), false, 'an answer can be the last one')
})

for (const cutAfter of [0, 1, 7, 19, 20]) {
  test(`an answer cut after ${cutAfter} tokens goes on elsewhere to the same text`, async () => {
    await using home = await startOllamaStandIn()
    await using elsewhere = await startOllamaStandIn()
    const prompt = `Tell me all. [[stand-in:end-after=${cutAfter}]]`
    const messages = [{ role: 'user', content: prompt }]
    const stump = await ask(`${home.url}/api/chat`, { model: MODEL, messages })
    assert.equal(stump.objects.length, cutAfter)

    const rendering = { model: MODEL, messages, _debug_render_only: true }
    const rendered = await ask(`${elsewhere.url}/api/chat`, rendering)
    const template = rendered.last._debug_info?.rendered_template ?? ''
    const rest = await generate(elsewhere.url, template + stump.content, { raw: true })

    // At position 0 nothing was said, so that this is no continuation and the break acts again.
    const expected = cutAfter === 0 ? '' : plainWords(1, 20)
    assert.equal(stump.content + rest.content, expected)
    assert.equal(rest.last.done ?? false, cutAfter !== 0)
  })
}

test('a model that thinks does so unless it is forbidden', async () => {
  await using standIn = await startOllamaStandIn()
  const thinking = await chat(standIn.url, 'Hi.', { model: 'qwen3' })
  assert.deepEqual([thinking.thinking, thinking.content], ['t1 t2 t3 t4 t5', plainWords(1, 20)])
  assert.ok(thinking.objects[0]?.message?.thinking, 'thinking comes first')
  assert.equal(thinking.last.eval_count, 25)
  const forbidden = await chat(standIn.url, 'Hi.', { model: 'qwen3', think: false })
  assert.deepEqual([forbidden.thinking, forbidden.content], ['', plainWords(1, 20)])
  const generated = await generate(standIn.url, 'Hi.', { model: 'qwen3', stream: false })
  assert.equal(generated.last.thinking, 't1 t2 t3 t4 t5')
})

test('a thought is continued as text, as Ollama does, and to the same words', async () => {
  await using standIn = await startOllamaStandIn()
  const prompt = '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\nt1 t2'
  const rest = await generate(standIn.url, prompt, { model: 'qwen3', raw: true })
  assert.equal(rest.content, ` t3 t4 t5\n</think>\n\n${plainWords(1, 20)}`)
})

test('levels of thinking are for models that have them', async () => {
  await using standIn = await startOllamaStandIn({ models: ['gpt-oss:20b', 'qwen3'] })
  const leveled = await chat(standIn.url, 'Hi.', { model: 'gpt-oss:20b', think: 'low' })
  assert.equal(leveled.status, 200)
  const refused = await chat(standIn.url, 'Hi.', { model: 'qwen3', think: 'low' })
  assert.equal(refused.last.error, 'think value "low" is not supported for this model')
})

const TOOLS = ['f', 'g'].map((name) => {
  const parameters = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  return { type: 'function', function: { name, description: '', parameters } }
})

test('each tool is called once when the user says so; results are answered with text', async () => {
  await using standIn = await startOllamaStandIn()
  const messages = [{ role: 'user', content: 'Please call the tool.' }]
  const calling = await ask(`${standIn.url}/api/chat`, { model: MODEL, messages, tools: TOOLS })
  const calls = calling.objects.flatMap(({ message }) => message?.tool_calls ?? [])
  assert.deepEqual(
    calls.map((call) => call.function),
    [
      { index: 0, name: 'f', arguments: { n: 1 } },
      { index: 1, name: 'g', arguments: { n: 1 } },
    ],
  )
  assert.equal(calling.last.done_reason, 'stop')

  const results = [...messages, { role: 'assistant', content: '', tool_calls: calls }]
  const answered = await ask(`${standIn.url}/api/chat`, {
    model: MODEL,
    messages: [...results, { role: 'tool', content: 'You call the tool.', tool_name: 'f' }],
    tools: TOOLS,
  })
  assert.equal(answered.content, plainWords(1, 20))
})

test('tools that nobody wants called are not called', async () => {
  await using standIn = await startOllamaStandIn()
  assert.equal((await chat(standIn.url, 'Hi.', { tools: TOOLS })).content, plainWords(1, 20))
})

test('structured answers satisfy their format, streamed or whole', async () => {
  await using standIn = await startOllamaStandIn()
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  const streamed = await chat(standIn.url, 'Hi.', { format: schema })
  assert.deepEqual(JSON.parse(streamed.content), { n: 1 })
  assert.ok(streamed.objects.length > 2)
  const whole = await chat(standIn.url, 'Hi.', { format: 'json', stream: false })
  assert.deepEqual(JSON.parse(whole.content), { answer: 'w1' })
})

test('every token has its log-probability when they are wanted, and none else', async () => {
  await using standIn = await startOllamaStandIn()
  const wanted = await chat(standIn.url, 'Hi.', { logprobs: true, top_logprobs: 2 })
  const tokens = wanted.objects.slice(0, -1).map(({ logprobs }) => logprobs?.[0])
  assert.equal(tokens.map((token) => token?.token).join(''), wanted.content)
  assert.ok(tokens.every((token) => token?.top_logprobs?.length === 2))
  const whole = await generate(standIn.url, 'Hi.', { logprobs: true, stream: false })
  assert.equal(whole.last.logprobs?.length, 20)
  assert.ok(!(await chat(standIn.url, 'Hi.')).text.includes('logprobs'))
})

test('a generation hands out its context, and takes one back', async () => {
  await using standIn = await startOllamaStandIn()
  const first = await generate(standIn.url, 'Hi.')
  const { context = [], prompt_eval_count = 0 } = first.last
  assert.equal(context.length, prompt_eval_count + 20)
  const second = await generate(standIn.url, 'Hi.', { context })
  assert.equal(second.last.prompt_eval_count, prompt_eval_count + context.length)
  assert.ok(!('context' in (await generate(standIn.url, 'Hi.', { raw: true })).last))
})

test('a rendered prompt counts its images and says nothing else', async () => {
  await using standIn = await startOllamaStandIn()
  const messages = [{ role: 'user', content: 'See.', images: ['aGk='] }]
  const rendering = { model: MODEL, messages, _debug_render_only: true }
  const { objects, content } = await ask(`${standIn.url}/api/chat`, rendering)
  assert.deepEqual([objects.length, content], [1, ''])
  assert.deepEqual(objects[0]?._debug_info, {
    rendered_template: '<|im_start|>user\n[img-0]See.<|im_end|>\n<|im_start|>assistant\n',
    image_count: 1,
  })
})

test('models do only what they can', async () => {
  const models = ['all-minilm', { name: 'mute', capabilities: ['completion'] as const }]
  await using standIn = await startOllamaStandIn({ models })
  const rows = [
    [await chat(standIn.url, 'Hi.', { model: 'all-minilm' }), '"all-minilm" does not support chat'],
    [
      await generate(standIn.url, 'Hi.', { model: 'all-minilm' }),
      '"all-minilm" does not support generate',
    ],
    [
      await chat(standIn.url, 'Hi.', { model: 'mute', tools: TOOLS }),
      'registry.ollama.ai/library/mute:latest does not support tools',
    ],
    [
      await generate(standIn.url, 'Hi.', { model: 'mute', suffix: 'x' }),
      'registry.ollama.ai/library/mute:latest does not support insert',
    ],
  ] as const
  for (const [answer, message] of rows) {
    assert.deepEqual([answer.status, answer.last.error], [400, message])
  }
})
