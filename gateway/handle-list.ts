// The story of the questions that a gateway answers from what its regions report: which models
// there are, and what version speaks. No region is asked for them, so that clients may poll.

import { mergeModels, resolveModel } from './dialects/model-list.ts'
import { ollamaTagsBody, ollamaVersionBody } from './dialects/ollama-lists.ts'
import { openAiModel, openAiModelList } from './dialects/openai-models.ts'
import { GatewayError } from './errors.ts'
import type { RegionView } from './upstream/region-view.ts'

export type List =
  | { readonly kind: 'ollama-root' | 'ollama-tags' | 'ollama-version' | 'openai-models' }
  | { readonly kind: 'openai-model'; readonly name: string }

export interface ListAnswer {
  readonly contentType: string
  readonly body: string
}

/** Answers a list. @throws {GatewayError} `model_not_found` for one model that is not there. */
export function answerList(list: List, views: readonly RegionView[]): ListAnswer {
  switch (list.kind) {
    case 'ollama-root':
      return { contentType: 'text/plain; charset=utf-8', body: 'Ollama is running' }
    case 'ollama-version':
      return json(ollamaVersionBody(versionsOf(views)))
    case 'ollama-tags':
      return json(ollamaTagsBody(modelsOf(views)))
    case 'openai-models':
      return json(openAiModelList(modelsOf(views)))
    case 'openai-model':
      return json(openAiModel(modelOf(list.name, views)))
    default:
      return list satisfies never
  }
}

function json(value: unknown): ListAnswer {
  return { contentType: 'application/json; charset=utf-8', body: JSON.stringify(value) }
}

function modelsOf(views: readonly RegionView[]) {
  const serving = views.filter(({ health }) => health.kind !== 'down')
  return mergeModels(serving.map(({ region, tags }) => ({ regionId: region.id, tags })))
}

function modelOf(name: string, views: readonly RegionView[]) {
  const entry = resolveModel(modelsOf(views), name)
  if (entry !== undefined) return entry
  throw new GatewayError('model_not_found', {
    message: `model '${name.slice(0, 100)}' not found.`,
    param: 'model',
  })
}

function versionsOf(views: readonly RegionView[]): string[] {
  return views.flatMap(({ report }) => (report === undefined ? [] : [report.modelServer.version]))
}
