// pure

import { GatewayError } from '../errors.ts'
import type { InnerRequest } from './dialect.ts'
import { startWholeAnswer } from './ollama-answer.ts'
import { type OllamaFields, readFields, readModel, readText } from './ollama-fields.ts'
import { checkOptions } from './ollama-options.ts'

/**
 * Reads `POST /api/embed`. No input at all is a request too: it loads the model.
 * @throws {GatewayError} with status 400 naming the field at fault.
 */
export function parseOllamaEmbed(body: unknown): InnerRequest {
  const fields = readFields(body)
  const input = fields.input ?? ''
  if (typeof input !== 'string' && !isTexts(input)) {
    throw new GatewayError('invalid_value', { param: 'input', message: 'invalid input type' })
  }
  return requestOf('embed', fields)
}

/**
 * Reads `POST /api/embeddings`, the older form for one text at a time.
 * @throws {GatewayError} with status 400 naming the field at fault.
 */
export function parseOllamaEmbeddings(body: unknown): InnerRequest {
  const fields = readFields(body)
  readText(fields, 'prompt')
  return requestOf('embeddings', fields)
}

function requestOf(kind: 'embed' | 'embeddings', fields: OllamaFields): InnerRequest {
  const model = readModel(fields.model)
  checkOptions(fields.options)
  return {
    kind,
    model,
    body: fields,
    affinity: { source: 'none' },
    ignored: [],
    startAnswer: (facts) => startWholeAnswer(kind, facts),
  }
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}
