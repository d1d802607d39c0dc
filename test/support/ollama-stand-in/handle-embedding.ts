// `/api/embed` and its older form `/api/embeddings`: vectors that depend on the text only.

import { setTimeout as pause } from 'node:timers/promises'
import {
  answeredByFault,
  behaviourFor,
  brokenOff,
  type Ended,
  type StandInParts,
  takeSlot,
  type WorkCall,
} from './call.ts'
import {
  decodeEmbed,
  decodeEmbeddings,
  decodeOptions,
  type EmbeddingRequest,
} from './decode-request.ts'
import { directionOf, shorten } from './embedding-vectors.ts'
import { readBody, sendJson } from './http-answers.ts'
import { findModel, isModelName, type Model } from './model-catalog.ts'
import { Refusal } from './refusal.ts'
import { countTokens } from './render-prompt.ts'
import { nanosOf } from './timestamps.ts'

/** In what the two routes differ. */
export interface EmbeddingRoute {
  /** @throws {Refusal} */
  decode(body: string): EmbeddingRequest
  /** @throws {Refusal} for a name that is none. */
  checkName(name: string): void
  answer(request: EmbeddingRequest, counters: EmbeddingCounters): object
}

interface EmbeddingCounters {
  readonly total_duration: number
  readonly load_duration: number
  readonly prompt_eval_count: number
}

/** `/api/embed`: several texts, vectors of length one, counters. */
export const EMBED_ROUTE: EmbeddingRoute = {
  decode: decodeEmbed,
  checkName() {}, // A name that is none is just not found here.
  answer({ model, inputs, dimensions }, counters) {
    if (inputs.length === 0) return { model, embeddings: [] }
    const embeddings = inputs.map((text) => shorten(directionOf(text), dimensions))
    return { model, embeddings, ...counters }
  },
}

/** `/api/embeddings`: one text, one vector. */
export const EMBEDDINGS_ROUTE: EmbeddingRoute = {
  decode: decodeEmbeddings,
  checkName(name) {
    if (!isModelName(name)) throw new Refusal(400, 'model is required')
  },
  answer({ inputs }) {
    const [text] = inputs
    // The older form is not normalised, so its vectors are longer than one.
    return { embedding: text === undefined ? [] : directionOf(text).map((part) => 10 * part) }
  },
}

/**
 * Answers one request and tells how that ended. Any model embeds, as in Ollama.
 *
 * Rejects when the client goes away. @throws {Refusal} for what Ollama answers with an error.
 */
export async function handleEmbedding(
  call: WorkCall,
  parts: StandInParts,
  route: EmbeddingRoute,
): Promise<Ended> {
  const body = await readBody(call.req)
  const request = route.decode(body)
  const promptText = request.inputs.join('\n')
  parts.log.describe(call.record, body, request.model, promptText)
  const behaviour = behaviourFor(call, parts, request.model, promptText)
  if (answeredByFault(call, parts, behaviour, request.model)) return 'fault'
  if (await brokenOff(call, parts, behaviour)) return 'fault'

  route.checkName(request.model)
  const model = modelNamed(request.model, parts)
  const { numCtx } = decodeOptions(request.options)
  const { keepAliveMs } = request
  await parts.loaded.load(model, { ...behaviour, keepAliveMs }, call.signal)
  const loadedAtMs = performance.now()
  await takeSlot(call, parts)
  try {
    const { signal } = call
    if (behaviour.prefillDelayMs > 0) await pause(behaviour.prefillDelayMs, undefined, { signal })
    sendJson(
      call.res,
      200,
      route.answer(request, {
        total_duration: nanosOf(performance.now() - call.record.arrivedAtMs),
        load_duration: nanosOf(loadedAtMs - call.record.arrivedAtMs),
        prompt_eval_count: countInputs(request, numCtx),
      }),
    )
    return 'completed'
  } finally {
    parts.slots.release()
  }
}

function modelNamed(name: string, { catalog }: StandInParts): Model {
  const model = findModel(catalog, name, 'any-case')
  if (model !== undefined) return model
  throw new Refusal(404, `model ${JSON.stringify(name)} not found, try pulling it first`)
}

function countInputs({ inputs, truncate }: EmbeddingRequest, numCtx: number): number {
  return inputs.reduce((sum, text) => {
    const tokens = countTokens(text)
    if (tokens > numCtx && !truncate) {
      throw new Refusal(400, 'the input length exceeds the context length')
    }
    return sum + Math.min(tokens, numCtx)
  }, 0)
}
