// Asks a server of Ollama's API one question of each kind and writes down how it answered. Run on a
// real Ollama it makes the fixture, see the README; run on the stand-in it gives what is compared.

import { isObject } from './go-json.ts'

/** One question, named for people. */
export interface ShapeRequest {
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly path: string
  /** Sent as it is, so that it may be no JSON; absent for none. */
  readonly body?: string
}

/** A question and how it was answered. */
export interface Recording {
  readonly request: ShapeRequest
  readonly status: number
  /** Those that carry meaning; a length only says that there was one. */
  readonly headers: Readonly<Record<string, string>>
  /** The objects of the body, or its text when it is no JSON; long lists are cut. */
  readonly answer: readonly unknown[] | string
}

const MODEL = 'smollm2:135m'
const HELLO = [{ role: 'user', content: 'Say hello.' }]
const SHORT = { num_predict: 3, temperature: 0 }
const TOOL = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Tells the weather.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
/** Leaves a real model no choice but to call the tool. */
const TOOL_CALL = {
  model: MODEL,
  messages: [{ role: 'user', content: 'Please call the tool.' }],
  tools: [TOOL],
  format: {
    type: 'object',
    required: ['name', 'arguments'],
    properties: {
      name: { enum: ['get_weather'] },
      arguments: { type: 'object', required: ['city'], properties: { city: { enum: ['Paris'] } } },
    },
  },
  options: { num_predict: 100, temperature: 0 },
}

/** The questions, in an order in which each finds the models as it needs them. */
export const SHAPE_REQUESTS: readonly ShapeRequest[] = [
  ...chatRequests(),
  ...generateRequests(),
  ...otherRequests(),
  ...refusedRequests(),
]

function chatRequests(): readonly ShapeRequest[] {
  const chat = { model: MODEL, messages: HELLO, options: SHORT }
  const whole = { ...chat, stream: false }
  return [
    post('chat, streamed', '/api/chat', chat),
    post('chat, whole', '/api/chat', whole),
    post('chat, one token', '/api/chat', { ...whole, options: { num_predict: 1 } }),
    post('chat, log-probabilities', '/api/chat', { ...chat, logprobs: true, top_logprobs: 2 }),
    post('chat, log-probabilities, whole', '/api/chat', { ...whole, logprobs: true }),
    post('chat, thinking', '/api/chat', { ...chat, model: 'qwen3' }),
    post('chat, thinking, whole', '/api/chat', { ...whole, model: 'qwen3', think: true }),
    post('chat, thinking forbidden', '/api/chat', { ...whole, model: 'qwen3', think: false }),
    post('chat, JSON', '/api/chat', { ...chat, format: 'json' }),
    post('chat, tool call', '/api/chat', TOOL_CALL),
    post('chat, tool call, whole', '/api/chat', { ...TOOL_CALL, stream: false }),
    post('chat, rendered', '/api/chat', { ...chat, _debug_render_only: true }),
    post('chat, rendered with an image', '/api/chat', {
      model: MODEL,
      messages: [{ role: 'user', content: 'See.', images: ['aGVsbG8='] }],
      _debug_render_only: true,
    }),
    post('chat, unload', '/api/chat', { model: MODEL, messages: [], keep_alive: 0 }),
    post('chat, load', '/api/chat', { model: MODEL, messages: [] }),
  ]
}

function generateRequests(): readonly ShapeRequest[] {
  const generate = { model: MODEL, prompt: 'Say hello.', options: SHORT }
  const whole = { ...generate, stream: false }
  const thinking = { ...generate, model: 'qwen3' }
  return [
    post('generate, streamed', '/api/generate', generate),
    post('generate, whole', '/api/generate', whole),
    post('generate, raw', '/api/generate', { ...generate, raw: true }),
    post('generate, log-probabilities', '/api/generate', { ...whole, logprobs: true }),
    post('generate, thinking', '/api/generate', thinking),
    post('generate, rendered', '/api/generate', { ...generate, _debug_render_only: true }),
    post('generate, unload', '/api/generate', { model: MODEL, keep_alive: 0 }),
    post('generate, load', '/api/generate', { model: MODEL }),
  ]
}

function otherRequests(): readonly ShapeRequest[] {
  return [
    post('embed', '/api/embed', { model: MODEL, input: ['a', 'b'], dimensions: 4 }),
    post('embed, no input', '/api/embed', { model: MODEL, input: [] }),
    post('embeddings', '/api/embeddings', { model: MODEL, prompt: 'a' }),
    post('embeddings, no prompt', '/api/embeddings', { model: MODEL }),
    post('show', '/api/show', { model: MODEL }),
    post('show by name', '/api/show', { model: '', name: 'qwen3' }),
    { name: 'tags', method: 'GET', path: '/api/tags' },
    { name: 'tags, HEAD', method: 'HEAD', path: '/api/tags' },
    { name: 'ps', method: 'GET', path: '/api/ps' },
    { name: 'version', method: 'GET', path: '/api/version' },
    { name: 'version, HEAD', method: 'HEAD', path: '/api/version' },
    { name: 'root', method: 'GET', path: '/' },
    { name: 'root, HEAD', method: 'HEAD', path: '/' },
  ]
}

function refusedRequests(): readonly ShapeRequest[] {
  const bodies: readonly (readonly [path: string, body: unknown])[] = [
    ...chatRefusals().map((body) => ['/api/chat', body] as const),
    ['/api/chat', { model: 'nope', messages: [] }],
    ['/api/generate', {}],
    ['/api/generate', { model: 'nope' }],
    ['/api/generate', { prompt: 5 }],
    ['/api/generate', { model: MODEL, prompt: 'x', suffix: 'y' }],
    ['/api/generate', { model: MODEL, prompt: 'x', raw: true, system: 'y' }],
    ['/api/generate', { model: MODEL, prompt: 'x', format: 'xml', stream: false }],
    ['/api/embed', {}],
    ['/api/embed', { model: 'nope' }],
    ['/api/embed', { model: MODEL, input: 5 }],
    ['/api/embeddings', {}],
    ['/api/embeddings', { model: 'nope' }],
    ['/api/show', {}],
    ['/api/show', { name: 'nope' }],
  ]
  const broken = ['', '{bad', '{"model":', 'x', '[]', '"x"', '{"model":"x" "y"}', '{"a":1,}']
  return [
    ...bodies.map(([path, body]) => post(`refused: ${JSON.stringify(body)}`, path, body)),
    ...broken.map((body) => ({ ...post(`refused: ${body}`, '/api/chat', {}), body })),
    { name: 'wrong method', method: 'PUT', path: '/api/chat' },
    { name: 'wrong method for reading', method: 'PUT', path: '/api/tags' },
    { name: 'no HEAD', method: 'HEAD', path: '/api/ps' },
    { name: 'unknown path', method: 'GET', path: '/nope' },
  ]
}

function chatRefusals(): readonly unknown[] {
  const chat = { model: MODEL, messages: HELLO }
  const broken = { model: MODEL, messages: [{ role: 'user', content: 'x', images: ['data:,'] }] }
  return [
    {},
    { model: 'a b', messages: [] },
    { model: 'SMOLLM2:135M', messages: [] },
    { model: 5 },
    { messages: 5 },
    { messages: [5] },
    { messages: [{ role: 5 }] },
    { stream: 'x' },
    { options: 5 },
    { tools: 5 },
    { tools: [5] },
    { keep_alive: 'abc' },
    { keep_alive: '5' },
    { keep_alive: {} },
    broken,
    { ...chat, think: true },
    { ...chat, think: 'maybe' },
    { ...chat, think: 5 },
    { ...chat, model: 'qwen3', think: 'low' },
    { ...chat, top_logprobs: 30 },
    { ...chat, format: 'xml' },
    { ...chat, options: { num_predict: 'a' } },
    { ...chat, options: { temperature: 'a' } },
    { ...chat, options: { stop: 'a' } },
    {
      model: MODEL,
      messages: [{ role: 'user', content: 'word '.repeat(400) }],
      truncate: false,
      options: { num_ctx: 64 },
    },
  ]
}

function post(name: string, path: string, body: unknown): ShapeRequest {
  return { name: `${name}, ${path}`, method: 'POST', path, body: JSON.stringify(body) }
}

/** Asks all questions, one after the other. Rejects when the server cannot be reached. */
export async function recordShapes(url: string): Promise<readonly Recording[]> {
  const recordings: Recording[] = []
  for (const request of SHAPE_REQUESTS) recordings.push(await record(url, request))
  return recordings
}

async function record(url: string, request: ShapeRequest): Promise<Recording> {
  const { method, path, body } = request
  const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body }) })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  return {
    request,
    status: response.status,
    headers: meaningful(response.headers),
    answer: type.includes('json') && text !== '' ? text.trimEnd().split('\n').map(parse) : text,
  }
}

function meaningful(headers: Headers): Readonly<Record<string, string>> {
  const names = ['content-type', 'allow', 'transfer-encoding'].filter((name) => headers.has(name))
  return Object.fromEntries(names.map((name) => [name, headers.get(name) ?? '']))
}

/** Where the real server keeps its files is nobody's business. */
function parse(line: string): unknown {
  const value: unknown = JSON.parse(line.replace(/[\w./-]+\/blobs\//g, '/models/blobs/'))
  return cut(value)
}

const LIST_MAX = 4

function cut(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, LIST_MAX).map(cut)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cut(part)]))
}

if (import.meta.main) {
  const [url = 'http://127.0.0.1:11434'] = process.argv.slice(2)
  const lines = (await recordShapes(url)).map((recording) => JSON.stringify(recording))
  process.stdout.write(`[\n${lines.join(',\n')}\n]\n`)
}
