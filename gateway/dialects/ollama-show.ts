// pure

import type { InnerRequest } from './dialect.ts'
import { startWholeAnswer } from './ollama-answer.ts'
import { readFields, readModel } from './ollama-fields.ts'

/**
 * Reads `POST /api/show`. Older clients call the model `name`, and Ollama's own sends both fields,
 * one of them empty.
 *
 * @throws {GatewayError} with status 400 naming the field at fault.
 */
export function parseOllamaShow(body: unknown): InnerRequest {
  const fields = readFields(body)
  const model = readModel((fields.model ?? '') === '' ? fields.name : fields.model)
  return {
    kind: 'show',
    model,
    body: { ...fields, model },
    affinity: { source: 'none' },
    ignored: [],
    startAnswer: (facts) => startWholeAnswer('show', facts),
  }
}
