// pure

import { type ModelEntry, modifiedS } from './model-list.ts'

/** A model as `/v1/models/{id}` answers it. */
export interface OpenAiModel {
  readonly id: string
  readonly object: 'model'
  /** Whole seconds since 1970, 0 where nobody knows. */
  readonly created: number
  readonly owned_by: string
}

/** `GET /v1/models`, in the order of the entries; the caller leaves out what a key may not see. */
export function openAiModelList(entries: readonly ModelEntry[]): {
  readonly object: 'list'
  readonly data: readonly OpenAiModel[]
} {
  return { object: 'list', data: entries.map(openAiModel) }
}

/** `GET /v1/models/{id}`. The owner is the namespace, `library` for the models of Ollama itself. */
export function openAiModel(entry: ModelEntry): OpenAiModel {
  return {
    id: entry.name,
    object: 'model',
    created: Math.floor(modifiedS(entry)),
    owned_by: entry.name.split('/').at(-2) ?? 'library',
  }
}
