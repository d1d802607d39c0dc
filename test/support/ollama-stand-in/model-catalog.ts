// pure
import { createHash } from 'node:crypto'

/** What a model can do, in Ollama's words. */
export type Capability = 'completion' | 'embedding' | 'insert' | 'thinking' | 'tools' | 'vision'

/** A model to offer; without `capabilities` they are guessed from the name, see `catalogOf`. */
export interface ModelSpec {
  readonly name: string
  readonly capabilities?: readonly Capability[]
}

/** All that is to be known of a model that does not exist. */
export interface Model {
  /** As Ollama lists it, with its tag and without the default registry: `qwen3:latest`. */
  readonly name: string
  /** As Ollama names it in some errors: `registry.ollama.ai/library/qwen3:latest`. */
  readonly fullName: string
  /** SHA-256 of `name`, in hexadecimal: equal on every server that offers the name. */
  readonly digest: string
  readonly sizeBytes: number
  readonly capabilities: readonly Capability[]
  readonly details: ModelDetails
}

/** The object that stands in tags, ps and show; its keys are Ollama's. */
export interface ModelDetails {
  readonly parent_model: string
  readonly format: string
  readonly family: string
  readonly families: readonly string[]
  readonly parameter_size: string
  readonly quantization_level: string
}

/** The models on offer, in the order in which they are listed. */
export type Catalog = readonly Model[]

const REGISTRY = 'registry.ollama.ai/'
const LIBRARY = 'library/'

/**
 * Describes the models on offer, in the order given.
 *
 * Names that tell of embeddings can only embed; all others complete and call tools, and think,
 * see or fill in when their name is that of a family that does (`qwen3`, `llava`, `…coder`).
 */
export function catalogOf(models: readonly (string | ModelSpec)[]): Catalog {
  return models.map((model) => {
    const spec = typeof model === 'string' ? { name: model } : model
    const name = canonicalName(spec.name)
    const digest = createHash('sha256').update(name).digest('hex')
    return {
      name,
      fullName: `${REGISTRY}${name.includes('/') ? '' : LIBRARY}${name}`,
      digest,
      sizeBytes: 100_000_000 + Number.parseInt(digest.slice(0, 6), 16),
      capabilities: spec.capabilities ?? capabilitiesOf(name),
      details: detailsOf(name),
    }
  })
}

/**
 * Finds a model by any of its names: `x` is `x:latest`, and the default registry may be written.
 *
 * Ollama compares with case in `/api/chat` and `/api/show` and without it elsewhere (0.13.5 on
 * Linux), so the caller says which.
 */
export function findModel(
  catalog: Catalog,
  name: string,
  letters: 'as-written' | 'any-case',
): Model | undefined {
  const written = canonicalName(name)
  if (letters === 'as-written') return catalog.find((model) => model.name === written)
  const lower = written.toLowerCase()
  return catalog.find((model) => model.name.toLowerCase() === lower)
}

/** Tells whether Ollama would take it for a model's name: up to four parts of plain characters. */
export function isModelName(name: string): boolean {
  return /^(?:(?:[\w.:-]{1,350}\/)?\w[\w-]{0,79}\/)?\w[\w.-]{0,79}(?::\w[\w.-]{0,79})?$/.test(name)
}

function canonicalName(name: string): string {
  const bare = name.replace(REGISTRY, '').replace(/^library\//, '')
  return bare.lastIndexOf(':') > bare.lastIndexOf('/') ? bare : `${bare}:latest`
}

function capabilitiesOf(name: string): readonly Capability[] {
  if (/embed|minilm|bge-/.test(name)) return ['embedding']
  const capabilities: Capability[] = ['completion']
  if (/llava|vision|-vl|vl:|gemma3/.test(name)) capabilities.push('vision')
  capabilities.push('tools')
  if (/coder|codellama/.test(name)) capabilities.push('insert')
  if (/qwen3|deepseek-r1|gpt-oss|magistral/.test(name)) capabilities.push('thinking')
  return capabilities
}

function detailsOf(name: string): ModelDetails {
  const family = /([\w.-]+):/.exec(name)?.[1] ?? 'llama'
  const parameters = /:.*?(\d+(?:\.\d+)?)([mb])\b/i.exec(name)
  return {
    parent_model: '',
    format: 'gguf',
    family,
    families: [family],
    parameter_size: parameters === null ? '8.2B' : `${parameters[1]}${parameters[2]}`.toUpperCase(),
    quantization_level: 'Q4_K_M',
  }
}
