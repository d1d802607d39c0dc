// Goal: the unmodified ollama package reads what the dialect writes, and its requests are read.
// Method: a real HTTP server parses what the client sends and replays lines that a real Ollama said
// through the encoders, a heartbeat before each; the client knows nothing but a host.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ollama } from 'ollama'
import { GatewayError } from '../errors.ts'
import type { InnerRequest } from './dialect.ts'
import { JSON_LIMITS, parseJsonBody } from './json-body.ts'
import { mergeModels } from './model-list.ts'
import { parseOllamaChat } from './ollama-chat.ts'
import { parseOllamaEmbed, parseOllamaEmbeddings } from './ollama-embed.ts'
import { OLLAMA_EMPTY_BODY, ollamaErrorBody } from './ollama-error.ts'
import { parseOllamaGenerate } from './ollama-generate.ts'
import { ollamaPsBody, ollamaTagsBody, ollamaVersionBody } from './ollama-lists.ts'
import { parseOllamaShow } from './ollama-show.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }

const ROUTES: Readonly<Record<string, (body: unknown) => InnerRequest>> = {
  '/api/chat': parseOllamaChat,
  '/api/generate': parseOllamaGenerate,
  '/api/embed': parseOllamaEmbed,
  '/api/embeddings': parseOllamaEmbeddings,
  '/api/show': parseOllamaShow,
}

const recorded = (name: string) =>
  readFileSync(join(import.meta.dirname, 'fixtures/ollama-0.13.5', name), 'utf8')

const LISTS: Readonly<Record<string, () => object>> = {
  '/api/tags': () =>
    ollamaTagsBody(
      mergeModels([{ regionId: 'eu', tags: JSON.parse(recorded('tags.whole.json')).models }]),
    ),
  '/api/ps': () =>
    ollamaPsBody([{ regionId: 'eu', loaded: JSON.parse(recorded('ps.whole.json')).models }]),
  '/api/version': () => ollamaVersionBody(['0.14.0', '0.13.5-standin']),
}

interface Replay extends AsyncDisposable {
  readonly client: Ollama
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
    client: new Ollama({ host: `http://127.0.0.1:${port}` }),
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
    const list = LISTS[request.url ?? '']
    if (list !== undefined) return void response.end(JSON.stringify(list()))
    const limits = { ...JSON_LIMITS, emptyMessage: OLLAMA_EMPTY_BODY }
    const body = parseJsonBody(Buffer.concat(await request.toArray()), limits)
    const parsed = ROUTES[request.url ?? '']?.(body)
    if (parsed === undefined) throw new GatewayError('unknown_url')
    inner.push(parsed)
    replay(parsed, response, answers[inner.length - 1] ?? '')
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    response.writeHead(error.status, { 'content-type': 'application/json; charset=utf-8' })
    response.end(ollamaErrorBody(error))
  }
}

/** Writes line by line, a heartbeat before each. A line that ends nothing breaks the answer off. */
function replay(parsed: InnerRequest, response: ServerResponse, said: string): void {
  const lines = said.match(/.+\n?/g) ?? []
  const encoder = parsed.startAnswer(FACTS)
  response.writeHead(200, { 'content-type': encoder.contentType })
  try {
    for (const line of lines.slice(0, -1)) {
      response.write(encoder.heartbeat('alive'))
      response.write(encoder.delta(Buffer.from(line)))
    }
    response.write(encoder.heartbeat('alive'))
    response.end(encoder.done(Buffer.from(lines.at(-1) ?? '')))
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    response.write(encoder.failure(error), () => response.destroy())
  }
}

const HELLO = { model: 'smol', messages: [{ role: 'user', content: 'Hi' }] }

test('a streamed chat arrives line by line, and ends with its counters', async () => {
  await using replayed = await startReplay(recorded('chat-text.stream.ndjson'))
  const whole = JSON.parse(recorded('chat-text.whole.json'))
  const parts = []

  for await (const part of await replayed.client.chat({ ...HELLO, stream: true })) parts.push(part)

  assert.equal(parts.map(({ message }) => message.content).join(''), whole.message.content)
  assert.equal(parts.at(-1)?.done_reason, 'length')
  assert.equal(parts.at(-1)?.eval_count, whole.eval_count)
  assert.ok(parts.length > 10)
})

test('a chat without a stream arrives as one answer, thoughts beside it', async () => {
  await using replayed = await startReplay(recorded('chat-thinking.stream.ndjson'))

  const { message, eval_count } = await replayed.client.chat({ ...HELLO, think: true })

  assert.deepEqual(message, { role: 'assistant', content: '8', thinking: 'four and four' })
  assert.equal(eval_count, 8)
  assert.deepEqual(replayed.inner[0]?.body, { ...HELLO, think: true, stream: true })
})

test('tool calls arrive whole and in order, streamed or not', async () => {
  const said = recorded('chat-tools.stream.ndjson')
  await using replayed = await startReplay(said, said)
  const calls = []

  for await (const { message } of await replayed.client.chat({ ...HELLO, stream: true })) {
    calls.push(...(message.tool_calls ?? []))
  }
  const whole = await replayed.client.chat(HELLO)

  assert.deepEqual(
    calls.map((call) => call.function.arguments),
    [{ city: 'Oslo' }, { city: 'Oslo' }],
  )
  assert.deepEqual(whole.message.tool_calls, calls)
})

test('a completion arrives streamed and as one answer, with its context', async () => {
  const said = recorded('generate-text.stream.ndjson')
  await using replayed = await startReplay(said, said)
  const asked = { model: 'smol', prompt: 'Hi', images: [new Uint8Array([104, 105])] }
  let text = ''

  for await (const part of await replayed.client.generate({ ...asked, stream: true })) {
    text += part.response
  }
  const whole = await replayed.client.generate(asked)

  assert.equal(text, 'Hello! How can I help you?')
  assert.equal(whole.response, text)
  assert.ok(whole.context.length > 10)
  assert.deepEqual(replayed.inner[0]?.body.images, ['aGk='])
})

test('log-probabilities arrive with the one answer that they belong to', async () => {
  await using replayed = await startReplay(recorded('generate-logprobs.stream.ndjson'))

  const { logprobs } = await replayed.client.generate({ model: 'smol', prompt: 'Hi' })

  assert.equal(logprobs?.length, 4)
})

test('a model is loaded and unloaded without a prompt', async () => {
  await using replayed = await startReplay(
    recorded('generate-load.stream.ndjson'),
    recorded('chat-unload.stream.ndjson'),
  )
  const reasons = []

  const loaded = await replayed.client.generate({ model: 'smol', prompt: '' })
  const unload = { model: 'smol', messages: [], keep_alive: 0 }
  for await (const { done_reason } of await replayed.client.chat({ ...unload, stream: true })) {
    reasons.push(done_reason)
  }

  assert.equal(loaded.done_reason, 'load')
  assert.deepEqual(reasons, ['unload'])
})

test('embeddings arrive in both forms', async () => {
  await using replayed = await startReplay(
    recorded('embed-many.whole.json'),
    recorded('embeddings.whole.json'),
  )

  const many = await replayed.client.embed({ model: 'smol', input: ['Hi', 'Ho'], dimensions: 4 })
  const one = await replayed.client.embeddings({ model: 'smol', prompt: 'Hi' })

  assert.deepEqual(
    many.embeddings.map(({ length }) => length),
    [4, 4],
  )
  assert.equal(many.prompt_eval_count, 2)
  assert.equal(one.embedding.length, 576)
})

test('a model is shown, and models, what is loaded and the version are listed', async () => {
  await using replayed = await startReplay(recorded('show.whole.json'))
  const { client } = replayed

  const shown = await client.show({ model: 'think' })
  const { models } = await client.list()
  const loaded = await client.ps()
  const { version } = await client.version()

  assert.deepEqual(shown.capabilities, ['completion', 'thinking'])
  assert.deepEqual(
    models.map(({ name }) => name),
    ['tools:latest', 'think:latest', 'smol:latest'],
  )
  assert.deepEqual(
    loaded.models.map(({ name }) => name),
    ['smol:latest'],
  )
  assert.equal(version, '0.13.5-standin')
})

test('a stream that breaks after its first content throws the words of its last line', async () => {
  await using replayed = await startReplay(recorded('chat-broken.stream.ndjson'))
  let text = ''

  await assert.rejects(
    async () => {
      const stream = await replayed.client.chat({ ...HELLO, stream: true })
      for await (const { message } of stream) text += message.content
    },
    { message: 'The model server failed before it answered.' },
  )

  assert.equal(text, 'The Night of the Revenge is a 1980s')
})

test('a mistake of the client is thrown with its status and our sentence', async () => {
  await using replayed = await startReplay()

  await assert.rejects(replayed.client.chat({ ...HELLO, model: '' }), {
    status_code: 400,
    message: 'model is required',
  })
  await assert.rejects(replayed.client.chat({ ...HELLO, options: { stop: 'x' as never } }), {
    status_code: 400,
    message: 'option "stop" must be of type array',
  })
})
