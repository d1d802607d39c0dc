// pure
import { checkType, isObject, type JsonObject, parseBody } from './go-json.ts'
import { Refusal } from './refusal.ts'

/** One turn of a conversation. */
export interface Message {
  /** In lower case, as Ollama reads it. */
  readonly role: string
  readonly content: string
  readonly images: number
  /** The calls of an assistant's turn, as JSON; empty when there are none. */
  readonly toolCalls: string
}

/** One tool on offer; its name is empty when the client gave none. */
export interface Tool {
  readonly name: string
  /** The JSON Schema of its arguments, unchecked. */
  readonly parameters: unknown
}

/** A request to `/api/chat` or `/api/generate`, in one form for both. */
export interface GenerationRequest {
  readonly model: string
  /** No messages, or an empty prompt: load or unload the model and say nothing. */
  readonly input:
    | { readonly kind: 'messages'; readonly messages: readonly Message[] }
    | { readonly kind: 'raw'; readonly prompt: string }
    | { readonly kind: 'none' }
  /** What replaces the model's own template, `/api/generate` only; empty for none. */
  readonly template: string
  readonly suffix: string
  /** Tokens of an earlier conversation that the client handed back. */
  readonly contextTokens: number
  readonly stream: boolean
  readonly renderOnly: boolean
  readonly truncate: boolean
  /** `Infinity` for ever, 0 to unload; `undefined` when the client leaves it to the server. */
  readonly keepAliveMs: number | undefined
  readonly think: boolean | string | undefined
  /** `json` or a schema; anything else is refused later, by the runner. */
  readonly format: unknown
  readonly tools: readonly Tool[]
  /** Alternatives per token, 0 to 20; `undefined` when no log-probabilities are wanted. */
  readonly topLogprobs: number | undefined
  /** Unread, because Ollama looks for the model first: see `decodeOptions`. */
  readonly options: JsonObject
}

/** A request to `/api/embed` or `/api/embeddings`; `dimensions` 0 keeps all. */
export interface EmbeddingRequest {
  readonly model: string
  readonly inputs: readonly string[]
  readonly dimensions: number
  readonly truncate: boolean
  readonly keepAliveMs: number | undefined
  readonly options: JsonObject
}

/** The options that change an answer here; the others are only checked. */
export interface GenerationOptions {
  /** `undefined` and what is not positive mean no limit. */
  readonly numPredict: number | undefined
  readonly numCtx: number
  readonly stop: readonly string[]
}

const COMMON_FIELDS = {
  model: 'string',
  stream: 'bool',
  options: 'map[string]interface {}',
  truncate: 'bool',
  shift: 'bool',
  logprobs: 'bool',
  top_logprobs: 'int',
  _debug_render_only: 'bool',
}
const CHAT_FIELDS = { ...COMMON_FIELDS, messages: '[]api.Message', tools: 'api.Tools' }
const GENERATE_FIELDS = {
  ...COMMON_FIELDS,
  prompt: 'string',
  system: 'string',
  template: 'string',
  suffix: 'string',
  raw: 'bool',
  context: '[]int',
  images: '[]api.ImageData',
}
const EMBED_FIELDS = { model: 'string', dimensions: 'int', truncate: 'bool' }
const EMBEDDINGS_FIELDS = { model: 'string', prompt: 'string' }
const SHOW_FIELDS = { model: 'string', name: 'string', verbose: 'bool' }

/** Ollama's default context length on a machine without a large GPU. */
const NUM_CTX_DEFAULT = 4_096

/** @throws {Refusal} 400 as Ollama words it. */
export function decodeChat(text: string): GenerationRequest {
  const body = parseBody(text, 'api.ChatRequest', CHAT_FIELDS)
  const messages = listOf(body.messages).map(decodeMessage)
  return {
    ...decodeCommon(body),
    input: messages.length === 0 ? { kind: 'none' } : { kind: 'messages', messages },
    template: '',
    suffix: '',
    contextTokens: 0,
    tools: listOf(body.tools).map(decodeTool),
  }
}

/** @throws {Refusal} 400 as Ollama words it. */
export function decodeGenerate(text: string): GenerationRequest {
  const body = parseBody(text, 'api.GenerateRequest', GENERATE_FIELDS)
  const prompt = stringOf(body.prompt)
  const system = stringOf(body.system)
  const template = stringOf(body.template)
  const contextTokens = listOf(body.context).length
  if (body.raw === true && (template !== '' || system !== '' || contextTokens > 0)) {
    throw new Refusal(400, 'raw mode does not support template, system, or context')
  }
  const images = countImages(body.images, 'GenerateRequest.images')
  const messages = [
    ...(system === '' ? [] : [{ role: 'system', content: system, images: 0, toolCalls: '' }]),
    { role: 'user', content: prompt, images, toolCalls: '' },
  ]
  const input =
    body.raw === true
      ? ({ kind: 'raw', prompt } as const)
      : ({ kind: 'messages', messages } as const)
  return {
    ...decodeCommon(body),
    input: prompt === '' ? { kind: 'none' } : input,
    template,
    suffix: stringOf(body.suffix),
    contextTokens,
    tools: [],
  }
}

/** Reads `/api/embed`; no input gives an empty list. @throws {Refusal} 400 as Ollama words it. */
export function decodeEmbed(text: string): EmbeddingRequest {
  const body = parseBody(text, 'api.EmbedRequest', EMBED_FIELDS)
  return {
    ...decodeEmbedding(body),
    inputs: embedInputs(body.input),
    dimensions: typeof body.dimensions === 'number' ? body.dimensions : 0,
  }
}

/** Reads `/api/embeddings`, the older form. @throws {Refusal} 400 as Ollama words it. */
export function decodeEmbeddings(text: string): EmbeddingRequest {
  const body = parseBody(text, 'api.EmbeddingRequest', EMBEDDINGS_FIELDS)
  const prompt = stringOf(body.prompt)
  return { ...decodeEmbedding(body), inputs: prompt === '' ? [] : [prompt], dimensions: 0 }
}

/** Reads which model `/api/show` is about. @throws {Refusal} 400 as Ollama words it. */
export function decodeShow(text: string): string {
  const body = parseBody(text, 'api.ShowRequest', SHOW_FIELDS)
  const name = stringOf(body.model) || stringOf(body.name) // Clients send both, one of them empty.
  if (name === '') throw new Refusal(400, 'model is required')
  return name
}

/** @throws {Refusal} 500 naming an option of the wrong type, as Ollama does. */
export function decodeOptions(options: JsonObject): GenerationOptions {
  for (const [name, value] of Object.entries(options)) {
    const wanted = Object.hasOwn(OPTION_TYPES, name) ? OPTION_TYPES[name] : undefined
    if (wanted === undefined || value === null) continue // Ollama only warns of unknown options.
    const right = wanted === 'array' ? Array.isArray(value) : typeof value === 'number'
    if (!right) throw new Refusal(500, `option "${name}" must be of type ${wanted}`)
  }
  const { num_predict: numPredict, num_ctx: numCtx } = options
  return {
    numPredict: typeof numPredict === 'number' && numPredict > 0 ? numPredict : undefined,
    numCtx: typeof numCtx === 'number' && numCtx > 0 ? numCtx : NUM_CTX_DEFAULT,
    stop: listOf(options.stop).map(String),
  }
}

const OPTION_TYPES: Readonly<Record<string, 'integer' | 'float32' | 'array'>> = {
  num_predict: 'integer',
  num_ctx: 'integer',
  num_keep: 'integer',
  seed: 'integer',
  top_k: 'integer',
  repeat_last_n: 'integer',
  temperature: 'float32',
  top_p: 'float32',
  min_p: 'float32',
  typical_p: 'float32',
  repeat_penalty: 'float32',
  presence_penalty: 'float32',
  frequency_penalty: 'float32',
  stop: 'array',
}

function decodeCommon(body: JsonObject) {
  const topLogprobs = typeof body.top_logprobs === 'number' ? body.top_logprobs : 0
  if (topLogprobs < 0 || topLogprobs > 20) {
    throw new Refusal(400, 'top_logprobs must be between 0 and 20')
  }
  return {
    model: stringOf(body.model),
    stream: body.stream !== false,
    renderOnly: body._debug_render_only === true,
    truncate: body.truncate !== false,
    keepAliveMs: decodeKeepAlive(body.keep_alive),
    think: decodeThink(body.think),
    format: body.format === '' ? undefined : body.format,
    topLogprobs: body.logprobs === true ? topLogprobs : undefined,
    options: isObject(body.options) ? body.options : {},
  }
}

function decodeEmbedding(body: JsonObject) {
  return {
    model: stringOf(body.model),
    truncate: body.truncate !== false,
    keepAliveMs: decodeKeepAlive(body.keep_alive),
    options: isObject(body.options) ? body.options : {},
  }
}

function decodeMessage(value: unknown): Message {
  if (!isObject(value)) {
    checkType(value, 'api.Alias', 'ChatRequest.messages')
    throw new Refusal(400, 'messages must be objects')
  }
  for (const name of ['role', 'content'] as const) {
    if (value[name] !== null && value[name] !== undefined) {
      checkType(value[name], 'string', `ChatRequest.messages.${name}`)
    }
  }
  const calls = listOf(value.tool_calls)
  return {
    role: stringOf(value.role).toLowerCase(),
    content: stringOf(value.content),
    images: countImages(value.images, 'ChatRequest.messages.images'),
    toolCalls: calls.length === 0 ? '' : JSON.stringify(calls),
  }
}

function decodeTool(value: unknown): Tool {
  checkType(value, 'api.Tool', 'ChatRequest.tools')
  const definition = isObject(value) && isObject(value.function) ? value.function : {}
  return { name: stringOf(definition.name), parameters: definition.parameters }
}

function countImages(images: unknown, path: string): number {
  for (const image of listOf(images)) {
    if (typeof image !== 'string') {
      checkType(image, 'api.ImageData', path)
      throw new Refusal(400, `${path} must be base64 text`)
    }
    // Go's decoder names the first byte that is none of its alphabet: the colon of `data:` is 4.
    const wrongAt = image.search(/[^A-Za-z0-9+/=\r\n]/)
    if (wrongAt !== -1) throw new Refusal(400, `illegal base64 data at input byte ${wrongAt}`)
  }
  return listOf(images).length
}

function embedInputs(input: unknown): readonly string[] {
  if (input === undefined || input === '') return []
  const inputs = typeof input === 'string' ? [input] : input
  if (!Array.isArray(inputs) || !inputs.every((text) => typeof text === 'string')) {
    throw new Refusal(400, 'invalid input type')
  }
  return inputs
}

function decodeThink(think: unknown): boolean | string | undefined {
  if (think === undefined || typeof think === 'boolean') return think
  const choices = '"high", "medium", "low", true, or false'
  if (typeof think !== 'string') {
    throw new Refusal(400, `think must be a boolean or string (${choices})`)
  }
  if (think === 'high' || think === 'medium' || think === 'low') return think
  throw new Refusal(400, `invalid think value: "${think}" (must be ${choices})`)
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

function decodeKeepAlive(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number') return value < 0 ? Number.POSITIVE_INFINITY : value * 1_000
  if (typeof value !== 'string') {
    const kind = Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
    throw new Refusal(400, `Unsupported type: '${typeof value === 'boolean' ? 'bool' : kind}'`)
  }
  if (/^[+-]?\d+(\.\d+)?$/.test(value) && Number(value) !== 0) {
    throw new Refusal(400, `time: missing unit in duration "${value}"`)
  }
  if (!/^[+-]?(0|(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+)$/.test(value)) {
    throw new Refusal(400, `time: invalid duration "${value}"`)
  }
  if (value.startsWith('-')) return Number.POSITIVE_INFINITY
  const parts = [...value.matchAll(/([\d.]+)([a-zµ]+)/g)]
  return parts.reduce((ms, [, count, unit = '']) => ms + Number(count) * (UNIT_MS[unit] ?? 0), 0)
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
