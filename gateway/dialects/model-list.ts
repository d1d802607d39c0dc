// pure
//
// The models of all regions as one list, for `/v1/models` and `/api/tags`.

import { canonicalModel } from '../regions/model-name.ts'
import { parseRfc3339 } from './rfc3339.ts'

/** A model that at least one region has. */
export interface ModelEntry {
  /** As the region spells it that changed it last. */
  readonly name: string
  /** RFC 3339, the newest of all regions; absent where none gave a time. */
  readonly modifiedAt?: string
  /** In the order in which the regions were given. */
  readonly regions: readonly string[]
  /** What `/api/tags` says of it in that region, with the capabilities of all of them. */
  readonly tag: Readonly<Record<string, unknown>>
}

export interface RegionTags {
  readonly regionId: string
  /** The entries of `models` in Ollama's answer to `/api/tags`. One without a name is skipped. */
  readonly tags: readonly Readonly<Record<string, unknown>>[]
}

/** Merges what the regions have, newest first as Ollama lists it, then by name. */
export function mergeModels(perRegion: readonly RegionTags[]): ModelEntry[] {
  const found = new Map<string, ModelEntry>()
  for (const { regionId, tags } of perRegion) {
    for (const tag of tags) {
      const entry = entryOf(regionId, tag)
      if (entry === undefined) continue
      const key = canonicalModel(entry.name)
      const known = found.get(key)
      found.set(key, known === undefined ? entry : joinEntries(known, entry))
    }
  }
  return [...found.values()].sort(
    (a, b) => modifiedS(b) - modifiedS(a) || (a.name < b.name ? -1 : 1),
  )
}

/** Finds a model by the name a client uses: `x` is `x:latest`, without regard to case. */
export function resolveModel(
  entries: readonly ModelEntry[],
  asked: string,
): ModelEntry | undefined {
  const key = canonicalModel(asked)
  return entries.find(({ name }) => canonicalModel(name) === key)
}

/** When a model was changed, in seconds since 1970; 0 where nobody knows. */
export function modifiedS({ modifiedAt = '' }: ModelEntry): number {
  return Math.max(0, parseRfc3339(modifiedAt) ?? 0)
}

function entryOf(regionId: string, tag: Readonly<Record<string, unknown>>): ModelEntry | undefined {
  const name = [tag.model, tag.name].find((text) => typeof text === 'string' && text !== '')
  if (typeof name !== 'string') return undefined
  const { modified_at: modifiedAt } = tag
  const isTime = typeof modifiedAt === 'string' && parseRfc3339(modifiedAt) !== undefined
  return { name, ...(isTime ? { modifiedAt } : {}), regions: [regionId], tag }
}

/** The newer one speaks for both; of two that are equally old, the first. */
function joinEntries(known: ModelEntry, other: ModelEntry): ModelEntry {
  const newer = modifiedS(other) > modifiedS(known) ? other : known
  const capabilities = [known, other].flatMap(({ tag }) =>
    Array.isArray(tag.capabilities) ? tag.capabilities : [],
  )
  return {
    ...newer,
    regions: [...new Set([...known.regions, ...other.regions])],
    tag:
      capabilities.length === 0
        ? newer.tag
        : { ...newer.tag, capabilities: [...new Set(capabilities)] },
  }
}
