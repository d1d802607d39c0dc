// pure

import { affinityOf } from './conversation-text.ts'
import type { InnerRequest } from './dialect.ts'
import { startGenerationAnswer } from './ollama-answer.ts'
import {
  checkGeneration,
  readFields,
  readImages,
  readModel,
  readStream,
  readText,
} from './ollama-fields.ts'

/**
 * How much of a `context` tells conversations apart, in tokens. One that is still shorter changes
 * its key with the next turn, but then there is hardly a prompt cache to lose.
 */
const CONTEXT_TOKENS_MAX = 64

/**
 * Reads `POST /api/generate`. No prompt at all is a request too: it loads the model, or unloads it.
 * @throws {GatewayError} with status 400 naming the field at fault.
 */
export function parseOllamaGenerate(body: unknown): InnerRequest {
  const fields = readFields(body)
  const model = readModel(fields.model)
  const isStream = readStream(fields)
  checkGeneration(fields)
  const prompt = readText(fields, 'prompt')
  const { images } = fields
  const plan = { kind: 'generate', model, isStream, isLoad: prompt === '' } as const
  return {
    kind: 'generate',
    model,
    body: {
      ...fields,
      ...((images ?? undefined) === undefined ? {} : { images: readImages(images, 'images') }),
      stream: true,
    },
    affinity: affinityOf([], beginningOf(fields.context, fields.system, prompt)),
    ignored: [],
    startAnswer: (facts) => startGenerationAnswer(plan, facts),
  }
}

/** A `context` holds the conversation so far, as tokens; without one it begins here. */
function beginningOf(context: unknown, system: unknown, prompt: string) {
  if (Array.isArray(context) && context.length > 0) {
    const tokens = context.slice(0, CONTEXT_TOKENS_MAX).filter((token) => typeof token === 'number')
    return [{ role: 'context', content: tokens.join(' ') }]
  }
  return [
    { role: 'system', content: typeof system === 'string' ? system : '' },
    { role: 'user', content: prompt },
  ]
}
