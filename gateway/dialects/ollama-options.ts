// pure
//
// A known option of a wrong type is the client's mistake, but Ollama answers it with a 500: a
// region would look broken, and the next one be asked the same. So it is said here.

import { GatewayError } from '../errors.ts'

const INTEGER = 'of type integer'
const FLOAT = 'of type float32'
const BOOLEAN = 'of type boolean'
const ARRAY = 'of type array'

/** The options of Ollama 0.13.5 with its own words for their types. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ...['num_keep', 'seed', 'num_predict', 'top_k', 'repeat_last_n'].map(typed(INTEGER)),
  ...['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread'].map(typed(INTEGER)),
  ...['top_p', 'min_p', 'typical_p', 'temperature', 'repeat_penalty'].map(typed(FLOAT)),
  ...['presence_penalty', 'frequency_penalty'].map(typed(FLOAT)),
  ['use_mmap', BOOLEAN],
  ['stop', ARRAY],
])

/**
 * Checks the types of the options that Ollama knows; others may be known to a newer one and pass.
 * Absent and `null` are nothing, as they are to the server, which also cuts off the fraction of a
 * number where it wants an integer.
 *
 * @throws {GatewayError} invalid_value in the words of Ollama.
 */
export function checkOptions(options: unknown): void {
  if (options === undefined || options === null) return
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid('options', 'options must be an object')
  }
  for (const [name, value] of Object.entries(options)) {
    const type = TYPES.get(name)
    if (type === undefined || value === null || fits(value, type)) continue
    throw invalid(`options.${name}`, `option "${name}" must be ${type}`)
  }
  const { stop } = options as { readonly stop?: unknown }
  if (Array.isArray(stop) && !stop.every((text) => typeof text === 'string')) {
    throw invalid('options.stop', 'option "stop" must be of an array of strings')
  }
}

function typed(type: string): (name: string) => [string, string] {
  return (name) => [name, type]
}

function fits(value: unknown, type: string): boolean {
  switch (type) {
    case BOOLEAN:
      return typeof value === 'boolean'
    case ARRAY:
      return Array.isArray(value)
    default:
      return typeof value === 'number'
  }
}

function invalid(param: string, message: string): GatewayError {
  return new GatewayError('invalid_value', { param, message })
}
