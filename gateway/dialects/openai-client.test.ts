// Goal: the unmodified openai package reads what the dialects write, and its requests are read.
// Method: a real HTTP server parses what the client sends and replays lines of Ollama through the
// encoders; the client knows nothing but a base URL.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import OpenAI from 'openai'
import { GatewayError } from '../errors.ts'
import type { InnerRequest } from './dialect.ts'
import { JSON_LIMITS, parseJsonBody } from './json-body.ts'
import { mergeModels, resolveModel } from './model-list.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiCompletions } from './openai-completions.ts'
import { openAiEmbeddings } from './openai-embeddings.ts'
import { openAiErrorBody } from './openai-error.ts'
import { openAiModel, openAiModelList } from './openai-models.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1795533308 }
const MODELS = mergeModels([
  { regionId: 'one', tags: [{ name: 'hf.co/a/b:Q4', modified_at: '2026-11-24T15:15:07Z' }] },
])
const ROUTES: Readonly<Record<string, (body: unknown) => InnerRequest>> = {
  '/v1/chat/completions': openAiChat({ choicesMax: 1 }),
  '/v1/completions': openAiCompletions({ choicesMax: 1 }),
  '/v1/embeddings': openAiEmbeddings,
}

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, 'fixtures/openai', name), 'utf8')

interface Replay extends AsyncDisposable {
  readonly client: OpenAI
  /** What would have gone to a region, in order. */
  readonly inner: readonly InnerRequest[]
}

/** Answers the requests to come with these answers of a model server, one after the other. */
async function startReplay(...answers: readonly string[]): Promise<Replay> {
  const inner: InnerRequest[] = []
  const server = createServer((request, response) => {
    answer(request, response, inner, answers).catch((error) => response.destroy(error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    client: new OpenAI({ apiKey: 'key', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 }),
    inner,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  inner: InnerRequest[],
  answers: readonly string[],
): Promise<void> {
  try {
    if (request.method === 'GET') return answerModels(request.url ?? '', response)
    const body = parseJsonBody(Buffer.concat(await request.toArray()), JSON_LIMITS)
    const parsed = ROUTES[request.url ?? '']?.(body)
    if (parsed === undefined) throw new GatewayError('unknown_url')
    inner.push(parsed)
    replay(parsed, response, answers[inner.length - 1] ?? '')
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    response.writeHead(error.status, { 'content-type': 'application/json' })
    response.end(openAiErrorBody(error))
  }
}

function answerModels(url: string, response: ServerResponse): void {
  const id = decodeURIComponent(url.replace(/^\/v1\/models\/?/, ''))
  const entry = resolveModel(MODELS, id)
  if (id !== '' && entry === undefined) throw new GatewayError('model_not_found')
  const body = entry === undefined ? openAiModelList(MODELS) : openAiModel(entry)
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Replays lines; where no last line says `done`, the worker was lost and nobody goes on. */
function replay(parsed: InnerRequest, response: ServerResponse, said: string): void {
  const encoder = parsed.startAnswer(FACTS)
  const lines = said.split(/(?<=\n)/)
  const lastLine = lines.pop() ?? ''
  response.writeHead(200, { 'content-type': encoder.contentType })
  response.write(encoder.heartbeat('queued'))
  for (const line of lines) response.write(encoder.delta(Buffer.from(line)))
  if (parsed.kind === 'embed' || lastLine.includes('"done":true')) {
    response.end(encoder.done(Buffer.from(lastLine)))
    return
  }
  response.write(encoder.delta(Buffer.from(lastLine)))
  const failure = encoder.failure(new GatewayError('stream_interrupted'))
  response.write(failure, () => response.destroy())
}

const MESSAGES: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Say hello.' }]
const ASKED = { model: 'smollm2:135m', messages: MESSAGES }
const WEATHER: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Tells the weather.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

test('a completion in one piece is read whole', async () => {
  await using replay = await startReplay(fixture('chat.ndjson'))

  const completion = await replay.client.chat.completions.create({ ...ASKED, max_tokens: 6 })

  assert.equal(completion.choices[0]?.message.content, "I'm so glad you're")
  assert.equal(completion.choices[0]?.finish_reason, 'length')
  assert.deepEqual(completion.usage, { prompt_tokens: 12, completion_tokens: 6, total_tokens: 18 })
  assert.deepEqual(replay.inner[0]?.body.options, { temperature: 1, top_p: 1, num_predict: 6 })
})

test('a stream is read chunk by chunk, comments are skipped, usage comes last', async () => {
  await using replay = await startReplay(fixture('chat.ndjson'))

  const stream = await replay.client.chat.completions.create({
    ...ASKED,
    stream: true,
    stream_options: { include_usage: true },
  })
  const chunks = await Array.fromAsync(stream)

  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  assert.equal(text, "I'm so glad you're")
  assert.equal(chunks.at(-1)?.usage?.total_tokens, 18)
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'length')
})

test('the stream helper puts calls together, each with its own arguments', async () => {
  await using replay = await startReplay(fixture('parallel.ndjson'))

  const completion = await replay.client.chat.completions
    .stream({ ...ASKED, tools: [WEATHER] })
    .finalChatCompletion()

  const [choice] = completion.choices
  assert.equal(choice?.finish_reason, 'tool_calls')
  assert.deepEqual(
    choice?.message.tool_calls?.map(
      (call) =>
        call.type === 'function' && [call.function.name, JSON.parse(call.function.arguments)],
    ),
    [
      ['get_weather', { city: 'Paris' }],
      ['get_time', {}],
      ['get_weather', { city: 'Łódź "centre"' }],
    ],
  )
})

for (const form of ['in one piece', 'streamed'] as const) {
  test(`the tool runner calls the function and sends its answer back, ${form}`, async () => {
    const ended = fixture('chat.ndjson').replace('"length"', '"stop"')
    await using replay = await startReplay(fixture('tools.ndjson'), ended)
    const asked: unknown[] = []
    const look = (args: object) => {
      asked.push(args)
      return '3 °C'
    }
    const parameters = WEATHER.function.parameters ?? {}
    const called = {
      name: 'get_weather',
      description: '',
      parameters,
      parse: JSON.parse,
      function: look,
    }
    const request = { ...ASKED, tools: [{ type: 'function' as const, function: called }] }

    const { completions } = replay.client.chat
    const runner =
      form === 'streamed'
        ? completions.runTools({ ...request, stream: true })
        : completions.runTools(request)
    const content = await runner.finalContent()

    assert.equal(content, "I'm so glad you're")
    assert.deepEqual(asked, [{ city: 'Paris', days: 2 }])
    assert.deepEqual(replay.inner[1]?.body.messages, [
      MESSAGES[0],
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          {
            id: 'call_0123456789abcdef01234567_0_0',
            function: { name: 'get_weather', arguments: { city: 'Paris', days: 2 } },
          },
        ],
      },
      {
        role: 'tool',
        content: '3 °C',
        tool_name: 'get_weather',
        tool_call_id: 'call_0123456789abcdef01234567_0_0',
      },
    ])
  })
}

test('a forced function is one call whose arguments parse', async () => {
  await using replay = await startReplay(fixture('forced.ndjson'))

  const completion = await replay.client.chat.completions
    .stream({ ...ASKED, tools: [WEATHER], tool_choice: 'required' })
    .finalChatCompletion()

  const [call] = completion.choices[0]?.message.tool_calls ?? []
  assert.equal(call?.type === 'function' && call.function.name, 'get_weather')
  assert.deepEqual(JSON.parse(call?.type === 'function' ? call.function.arguments : ''), {
    city: 'Paris',
  })
})

test('log-probabilities are where the SDK has them', async () => {
  await using replay = await startReplay(fixture('logprobs.ndjson'))

  const completion = await replay.client.chat.completions
    .stream({ ...ASKED, logprobs: true, top_logprobs: 2 })
    .finalChatCompletion()

  const tokens = completion.choices[0]?.logprobs?.content ?? []
  assert.deepEqual(
    tokens.map(({ token }) => token),
    ['I', "'m", ' so'],
  )
  assert.equal(tokens[0]?.top_logprobs[1]?.token, 'Hello')
})

test('a stream that is cut off throws the code of its last frame', async () => {
  await using replay = await startReplay(fixture('chat.ndjson').split('\n').slice(0, 3).join('\n'))
  const stream = await replay.client.chat.completions.create({ ...ASKED, stream: true })
  let text = ''

  const reading = (async () => {
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  })()

  await assert.rejects(
    reading,
    (error) => error instanceof OpenAI.APIError && error.code === 'stream_interrupted',
  )
  assert.equal(text, "I'm so")
})

test('a refused field is a BadRequestError that names it', async () => {
  await using replay = await startReplay()

  await assert.rejects(
    replay.client.chat.completions.create({ ...ASKED, logit_bias: { 1: 1 } }),
    (error) =>
      error instanceof OpenAI.BadRequestError &&
      error.param === 'logit_bias' &&
      error.code === 'unsupported_parameter' &&
      error.type === 'invalid_request_error',
  )
})

test('a legacy completion is read, streamed and in one piece', async () => {
  await using replay = await startReplay(fixture('generate.ndjson'), fixture('generate.ndjson'))
  const asked = { model: 'smollm2:135m', prompt: 'Once', logprobs: 2 }

  const whole = await replay.client.completions.create(asked)
  const stream = await replay.client.completions.create({ ...asked, stream: true })
  const chunks = await Array.fromAsync(stream)

  assert.equal(whole.choices[0]?.text, "I'm glad")
  assert.deepEqual(whole.choices[0]?.logprobs?.text_offset, [0, 1, 3])
  assert.equal(chunks.map(({ choices }) => choices[0]?.text ?? '').join(''), "I'm glad")
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'length')
})

test('embeddings are asked for as base64 and read as numbers', async () => {
  await using replay = await startReplay(fixture('embed.answer'), fixture('embed.answer'))
  const asked = { model: 'smollm2:135m', input: ['a', 'b'], dimensions: 4 }

  const byDefault = await replay.client.embeddings.create(asked)
  const floats = await replay.client.embeddings.create({ ...asked, encoding_format: 'float' })

  assert.deepEqual(
    byDefault.data.map(({ index }) => index),
    [0, 1],
  )
  for (const [at, { embedding }] of floats.data.entries()) {
    assert.deepEqual(Array.from(byDefault.data[at]?.embedding ?? []), embedding.map(Math.fround))
  }
  assert.equal(byDefault.usage.prompt_tokens, 2)
})

test('models are listed and retrieved, also with a slash and a colon in their names', async () => {
  await using replay = await startReplay()

  const models = await Array.fromAsync(replay.client.models.list())
  const model = await replay.client.models.retrieve('hf.co/a/b:Q4')

  assert.deepEqual(models, [model])
  assert.equal(model.owned_by, 'a')
  await assert.rejects(replay.client.models.retrieve('c'), OpenAI.NotFoundError)
})
