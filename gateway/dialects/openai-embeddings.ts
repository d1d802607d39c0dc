// pure
//
// `POST /v1/embeddings` in the words of Ollama's `/api/embed`. The openai SDK asks for base64 when
// nobody says otherwise, because floats as text are three times as long.

import { MODEL_NAME_MAX } from '#wire/region-api.ts'
import { GatewayError } from '../errors.ts'
import { affinityOf } from './conversation-text.ts'
import type { AnswerFacts, InnerRequest } from './dialect.ts'
import { countOf, decodeModelJson } from './model-record.ts'
import type { OpenAiEncoder } from './openai-encoder.ts'
import { withoutAbsent } from './openai-sampling.ts'
import { anyObject, compileSchema, optional, Type } from './schema.ts'
import { refuseTokenArrays } from './token-arrays.ts'
import { estimateInputTokens } from './token-tally.ts'

const INPUTS_MAX = 2_048
const DIMENSIONS_MAX = 65_536
const NAME_CHARS_MAX = 1_024

/** The longest answer of a model server, in bytes: 2,048 vectors of 1,536 floats as text. */
export const EMBEDDINGS_BYTES_MAX = 67_108_864

/** The request of `POST /v1/embeddings`. */
export const EMBEDDINGS_REQUEST = compileSchema(
  Type.Object(
    {
      model: Type.String({ minLength: 1, maxLength: MODEL_NAME_MAX }),
      input: Type.Union(
        [
          Type.String({ minLength: 1 }),
          Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: INPUTS_MAX }),
        ],
        { description: 'One text or several. Token arrays are refused.' },
      ),
      encoding_format: optional(Type.Enum(['float', 'base64'], { default: 'float' })),
      dimensions: optional(Type.Integer({ minimum: 1, maximum: DIMENSIONS_MAX })),
      user: optional(Type.String({ maxLength: NAME_CHARS_MAX })),
      options: optional(anyObject({ description: "Ollama's options, passed on as they are." })),
      keep_alive: optional(Type.Union([Type.String({ maxLength: 32 }), Type.Number()])),
    },
    { additionalProperties: false, title: 'Embeddings request' },
  ),
)

/** What of `OpenAiEncoder` there is where nothing is streamed. */
export interface OpenAiEmbeddingsRequest extends InnerRequest {
  startAnswer(facts: AnswerFacts): OpenAiEncoder
}

/** Reads a request for embeddings. @throws {GatewayError} with status 400 naming the field. */
export function openAiEmbeddings(body: unknown): OpenAiEmbeddingsRequest {
  refuseTokenArrays(body, 'input')
  const asked = EMBEDDINGS_REQUEST.parse(body)
  const inner = {
    model: asked.model,
    input: asked.input,
    ...withoutAbsent({
      dimensions: asked.dimensions,
      options: asked.options,
      keep_alive: asked.keep_alive,
    }),
  }
  const plan = {
    model: asked.model,
    isBase64: asked.encoding_format === 'base64',
    inputs: typeof asked.input === 'string' ? 1 : asked.input.length,
    estimateInput: () => estimateInputTokens(inner),
  }
  return {
    kind: 'embed',
    model: asked.model,
    body: inner,
    affinity: affinityOf([asked.user], []),
    ignored: EMBEDDINGS_REQUEST.notedIn(asked),
    startAnswer: () => new EmbeddingsEncoder(plan),
  }
}

interface EmbeddingsPlan {
  readonly model: string
  readonly isBase64: boolean
  readonly inputs: number
  readonly estimateInput: () => number
}

class EmbeddingsEncoder implements OpenAiEncoder {
  readonly contentType = 'application/json; charset=utf-8'
  readonly isStream = false
  readonly wantsStop = false
  readonly #plan: EmbeddingsPlan
  readonly #received: Buffer[] = []
  #receivedBytes = 0
  #inputTokens: number | undefined

  constructor(plan: EmbeddingsPlan) {
    this.#plan = plan
  }

  /** Any part of Ollama's one answer. */
  delta(part: Buffer): string {
    this.#receivedBytes += part.length
    if (this.#receivedBytes > EMBEDDINGS_BYTES_MAX) {
      const message = 'The embeddings are too long for one answer: send fewer texts at once.'
      throw new GatewayError('upstream_error', { message })
    }
    this.#received.push(part)
    return ''
  }

  done(lastPart: Buffer): string {
    this.delta(lastPart)
    const { model, inputs, isBase64, estimateInput } = this.#plan
    const answer = decodeModelJson(Buffer.concat(this.#received).toString('utf8'))
    const embeddings = decodeVectors(answer.embeddings, inputs)
    this.#inputTokens = countOf(answer.prompt_eval_count)
    const tokens = this.#inputTokens ?? estimateInput()
    return JSON.stringify({
      object: 'list',
      data: embeddings.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: isBase64 ? base64OfVector(vector) : vector,
      })),
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    })
  }

  heartbeat(): string {
    return ''
  }

  failure(): string {
    return ''
  }

  get usage(): OpenAiEncoder['usage'] {
    return this.#inputTokens === undefined ? {} : { inputTokens: this.#inputTokens }
  }

  get tokens(): OpenAiEncoder['tokens'] {
    return { inputTokens: this.#inputTokens ?? this.#plan.estimateInput(), outputTokens: 0 }
  }

  get usageEstimated(): boolean {
    return this.#inputTokens === undefined
  }
}

/** @throws {GatewayError} upstream_error unless there is one vector of numbers for each input. */
function decodeVectors(value: unknown, inputs: number): readonly (readonly number[])[] {
  const isWhole = Array.isArray(value) && value.length === inputs && value.every(isVector)
  if (isWhole) return value as readonly (readonly number[])[]
  const cause = new Error('the answer does not hold one vector for each input')
  throw new GatewayError('upstream_error', { cause })
}

function isVector(value: unknown): boolean {
  return Array.isArray(value) && value.every((number) => typeof number === 'number')
}

/** Little-endian float32, whatever the machine. */
function base64OfVector(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * Float32Array.BYTES_PER_ELEMENT)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (const [index, number] of vector.entries()) view.setFloat32(index * 4, number, true)
  return bytes.toString('base64')
}
