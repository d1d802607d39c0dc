// pure
//
// What the requests of `/api` have in common. The inner form is Ollama's own and newer servers know
// more than this page, so nearly everything passes untouched. Checked is only what the gateway must
// understand itself, and what the model server would answer with a 500 as if it were broken.

import { MODEL_NAME_MAX } from '#wire/region-api.ts'
import { GatewayError } from '../errors.ts'
import { checkOptions } from './ollama-options.ts'

/** A request's fields, in the order in which the client wrote them. */
export type OllamaFields = Readonly<Record<string, unknown>>

/** The fields that the requests of Ollama 0.13.5 have. */
const FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'name', 'messages', 'prompt', 'suffix', 'input', 'system', 'template', 'context'],
  ...['stream', 'raw', 'format', 'images', 'tools', 'options', 'think', 'truncate', 'shift'],
  ...['keep_alive', 'logprobs', 'top_logprobs', 'dimensions', 'verbose'],
])

const SHOWN_CHARS_MAX = 64

/**
 * Takes a body apart. Ollama is written in Go, whose JSON reader takes `Model` for `model`, and the
 * last one wins: known fields are respelled so, or a request could be judged here by one model and
 * be answered there by another.
 *
 * @throws {GatewayError} invalid_value when it is no object; unsupported_parameter for a field that
 * begins with `_`, because such fields make the server show its inside.
 */
export function readFields(body: unknown): OllamaFields {
  if (!isFields(body)) {
    throw new GatewayError('invalid_value', { message: 'the request body must be a JSON object' })
  }
  const fields: [string, unknown][] = []
  for (const [key, value] of Object.entries(body)) {
    if (key.startsWith('_')) {
      const param = key.slice(0, SHOWN_CHARS_MAX)
      throw new GatewayError('unsupported_parameter', {
        param,
        message: `${param} is not supported`,
      })
    }
    fields.push([spellingOf(key), value])
  }
  return Object.fromEntries(fields)
}

/** Go folds case in ASCII, and two letters beyond it: the long s and the Kelvin sign. */
function spellingOf(key: string): string {
  if (FIELDS.has(key)) return key
  const folded = key.toLowerCase().replaceAll('\u017f', 's')
  return FIELDS.has(folded) ? folded : key
}

const PART = '\\w[\\w.-]{0,79}'
const OWNER = '(?:(?:https?://)?(?:\\w[\\w.:-]{0,349}/)?\\w[\\w-]{0,79}/)?'

/**
 * The names that Ollama takes, `host/namespace/model:tag`, by the rules of its `types/model`.
 * `/api/show` answers any other with a 500.
 */
const MODEL_NAME = new RegExp(`^${OWNER}${PART}(?::${PART})?$`)

/** Checks the name of a model. @throws {GatewayError} saying that it is required. */
export function readModel(name: unknown): string {
  const isName = typeof name === 'string' && name.length <= MODEL_NAME_MAX && MODEL_NAME.test(name)
  if (isName) return name
  const code = (name ?? '') === '' ? 'missing_parameter' : 'invalid_value'
  throw new GatewayError(code, { param: 'model', message: 'model is required' })
}

/** Reads a text; absent is ''. @throws {GatewayError} naming the field. */
export function readText(fields: OllamaFields, name: string): string {
  const value = fields[name] ?? ''
  if (typeof value !== 'string') throw invalid(name, 'must be a string')
  return value
}

/** Whether the client wants a stream, which it does unless it says no. @throws {GatewayError} */
export function readStream({ stream }: OllamaFields): boolean {
  const wanted = stream ?? true
  if (typeof wanted !== 'boolean') throw invalid('stream', 'must be a boolean')
  return wanted
}

/**
 * Reads images as the server takes them, which is bare base64: the beginning of a `data:` URL is
 * cut off. Whether the rest is base64 is for the server to say.
 *
 * @throws {GatewayError} naming the image at fault below `path`.
 */
export function readImages(images: unknown, path: string): readonly string[] {
  if (!Array.isArray(images)) throw invalid(path, 'must be an array of base64 strings')
  return images.map((image: unknown, at) => {
    if (typeof image !== 'string') throw invalid(`${path}[${at}]`, 'must be a base64 string')
    return /^data:/i.test(image) ? image.slice(image.indexOf(',') + 1) : image
  })
}

/** Checks what chats and completions have in common. @throws {GatewayError} in Ollama's words. */
export function checkGeneration({ think, format, options }: OllamaFields): void {
  checkThink(think)
  checkFormat(format)
  checkOptions(options)
}

const THINK_LEVELS: readonly string[] = ['high', 'medium', 'low', 'max']
const THINK_VALUES = '"high", "medium", "low", "max", true, or false'

function checkThink(think: unknown): void {
  if (think === undefined || think === null || typeof think === 'boolean') return
  if (typeof think !== 'string') {
    throw invalid('think', `must be a boolean or string (${THINK_VALUES})`)
  }
  if (THINK_LEVELS.includes(think)) return
  const message = `invalid think value: ${shown(think)} (must be ${THINK_VALUES})`
  throw new GatewayError('invalid_value', { param: 'think', message })
}

function checkFormat(format: unknown): void {
  if ((format ?? '') === '' || format === 'json' || isFields(format)) return
  const wanted = 'expected "json" or a valid JSON Schema object'
  const message = `invalid format: ${shown(JSON.stringify(format))}; ${wanted}`
  throw new GatewayError('invalid_value', { param: 'format', message })
}

/** Quotes what the client wrote, as far as it helps to find it. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN_CHARS_MAX))
}

/** Whether a value is a JSON object. */
export function isFields(value: unknown): value is OllamaFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that is wrong: the sentence is its path and what it must be. */
export function invalid(path: string, must: string): GatewayError {
  return new GatewayError('invalid_value', { param: path, message: `${path} ${must}` })
}
