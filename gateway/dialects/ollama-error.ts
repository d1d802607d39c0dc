// pure

import type { GatewayError } from '../errors.ts'

/** What the sender of an empty body is told: the `emptyMessage` with which `/api` reads bodies. */
export const OLLAMA_EMPTY_BODY = 'missing request body'

/** Ollama's own sentence when its queue is full. Clients look for it, two spaces included. */
const BUSY = 'server busy, please try again.  maximum pending requests exceeded'

/**
 * Writes an error as every `/api` answer does: one key, one sentence, no line break at the end.
 * Where clients know Ollama's text it is Ollama's. `model` is the name that the client wrote;
 * without it an unknown model is told in the error's own words.
 */
export function ollamaErrorBody(error: GatewayError, model?: string): string {
  return JSON.stringify({ error: sentenceOf(error, model) })
}

function sentenceOf({ code, param, message }: GatewayError, model: string | undefined): string {
  switch (code) {
    case 'missing_parameter':
      return param === undefined ? message : `${param} is required`
    case 'model_not_found':
      return model === undefined ? message : `model '${model}' not found`
    case 'overloaded':
      return BUSY
    default:
      return message
  }
}
