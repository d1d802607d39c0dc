// pure
//
// What Ollama's answers say that a worker must know. Fields that are missing or of another type are
// unknown, never zero: Ollama leaves out counters that are 0.

/** Counters of the line that ends an answer. Times are in ms. */
export interface Usage {
  readonly promptTokens?: number
  readonly promptMs?: number
  readonly outputTokens?: number
  readonly loadMs?: number
}

/** One model that the server has; `tag` is its entry in `/api/tags`, untouched. */
export interface ModelTag {
  readonly name: string
  readonly digest: string
  readonly tag: Readonly<Record<string, unknown>>
}

export interface ModelServer {
  readonly kind: 'ollama' | 'stand-in'
  readonly version: string
}

/** A version that ends so belongs to the stand-in, which must never be taken for a model. */
const STAND_IN_SUFFIX = '-standin'
const NS_PER_MS = 1e6

/** Reads the counters of a parsed last line. */
export function decodeUsage(line: Readonly<Record<string, unknown>>): Usage {
  const count = (name: string): number | undefined => {
    const value = line[name]
    return typeof value === 'number' && value >= 0 ? value : undefined
  }
  const promptTokens = count('prompt_eval_count')
  const promptNs = count('prompt_eval_duration')
  const outputTokens = count('eval_count')
  const loadNs = count('load_duration')
  return {
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(promptNs === undefined ? {} : { promptMs: promptNs / NS_PER_MS }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(loadNs === undefined ? {} : { loadMs: loadNs / NS_PER_MS }),
  }
}

/** Reads the answer of `/api/version`; `undefined` for what is none. */
export function decodeVersion(value: unknown): ModelServer | undefined {
  const { version } = fieldsOf(value)
  if (typeof version !== 'string') return undefined
  return { kind: version.endsWith(STAND_IN_SUFFIX) ? 'stand-in' : 'ollama', version }
}

/** Reads the answer of `/api/tags`; entries without a name are left out. */
export function decodeTags(value: unknown): readonly ModelTag[] | undefined {
  return modelsOf(value)?.flatMap((tag) => {
    const { name, digest } = tag
    if (typeof name !== 'string' || name === '') return []
    return [{ name, digest: typeof digest === 'string' ? digest : '', tag }]
  })
}

/** Reads the answer of `/api/ps` as names of models; one that still loads is among them. */
export function decodeLoaded(value: unknown): readonly string[] | undefined {
  return modelsOf(value)?.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
}

/** Finds Ollama's text in the body of an error; '' when there is none. */
export function decodeErrorText(body: string): string {
  try {
    const { error } = fieldsOf(JSON.parse(body))
    if (typeof error === 'string') return error
    const { message } = fieldsOf(error) // The form of its OpenAI-compatible paths, and of proxies.
    return typeof message === 'string' ? message : ''
  } catch {
    return body.trim()
  }
}

/** Writes a model's name as Ollama compares it: without case, and `x` is `x:latest`. */
export function fullModelName(name: string): string {
  const lower = name.toLowerCase()
  return lower.lastIndexOf(':') > lower.lastIndexOf('/') ? lower : `${lower}:latest`
}

function modelsOf(value: unknown): Record<string, unknown>[] | undefined {
  const { models } = fieldsOf(value)
  // Go writes an empty list as null in some versions.
  if (models === null) return []
  return Array.isArray(models) ? models.map(fieldsOf) : undefined
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
