// pure
//
// The answers to Ollama's `GET`s, which the gateway writes itself from what the regions have said.

import { canonicalModel } from '../regions/model-name.ts'
import type { ModelEntry } from './model-list.ts'
import type { OllamaFields } from './ollama-fields.ts'
import { lowestVersion } from './ollama-version.ts'
import { parseRfc3339 } from './rfc3339.ts'

/** What Ollama says of a model, and our key beside it. */
export type ListedModel = OllamaFields & {
  readonly meridian: { readonly regions: readonly string[] }
}

/** `GET /api/tags`, in the order of the entries. The caller has left out what a key may not see. */
export function ollamaTagsBody(entries: readonly ModelEntry[]): {
  readonly models: readonly ListedModel[]
} {
  const models = entries.map(({ tag, modifiedAt, regions }) => ({
    ...tag,
    ...(modifiedAt === undefined ? {} : { modified_at: modifiedAt }),
    meridian: { regions },
  }))
  return { models }
}

/** What a region's model servers hold in memory. */
export interface RegionLoaded {
  readonly regionId: string
  /** The entries of `models` in Ollama's answer to `/api/ps`. One without a name is skipped. */
  readonly loaded: readonly OllamaFields[]
}

/**
 * `GET /api/ps`, merged by name: an alias and its target are both there. The region where a model
 * stays longest speaks for it, of equals the first; the longest-lived comes first, as Ollama lists
 * them. A time that cannot be read counts as long past.
 */
export function ollamaPsBody(perRegion: readonly RegionLoaded[]): {
  readonly models: readonly ListedModel[]
} {
  const found = new Map<string, { speaker: OllamaFields; regions: string[] }>()
  for (const { regionId, loaded } of perRegion) {
    for (const model of loaded) {
      const name = [model.model, model.name].find((text) => typeof text === 'string' && text !== '')
      if (typeof name !== 'string') continue
      const key = canonicalModel(name)
      const known = found.get(key)
      if (known === undefined) found.set(key, { speaker: model, regions: [regionId] })
      else {
        if (expiryOf(model) > expiryOf(known.speaker)) known.speaker = model
        if (!known.regions.includes(regionId)) known.regions.push(regionId)
      }
    }
  }
  const models = [...found.values()]
    .sort((a, b) => expiryOf(b.speaker) - expiryOf(a.speaker))
    .map(({ speaker, regions }) => ({ ...speaker, meridian: { regions } }))
  return { models }
}

/** In seconds since 1970. */
function expiryOf({ expires_at: expiresAt }: OllamaFields): number {
  return (typeof expiresAt === 'string' ? parseRfc3339(expiresAt) : undefined) ?? 0
}

/** `GET /api/version`: the lowest of all regions, because clients decide by it what they send. */
export function ollamaVersionBody(versions: readonly string[]): { readonly version: string } {
  return { version: lowestVersion(versions) }
}
