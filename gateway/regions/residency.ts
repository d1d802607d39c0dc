// pure
// Where the data of a tenant may be. It is the tenant's word, never derived from the client's
// address, which a VPN changes at will. Whatever is doubtful allows nothing: a request that is
// refused can be asked for again, a text that has left its region cannot be called back.

/**
 * `nowhere` is what is left of a list that could not be understood. A restricted policy is a list
 * of lists: a region needs a tag of each of them. Kept apart and not merged into one, because only
 * so a request's list can narrow a tenant's without anybody knowing which tag lies inside which.
 */
export type ResidencyPolicy =
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'restricted'; readonly anyOf: readonly (readonly string[])[] }
  | { readonly kind: 'nowhere'; readonly problem: ResidencyProblem }

export type ResidencyProblem = 'empty-list' | 'unknown-tag' | 'unreadable'

export const ANYWHERE: ResidencyPolicy = { kind: 'anywhere' }

/** The longest list of tags that is read. */
export const RESIDENCY_TAGS_MAX = 64

/** The lists that bind one request, each absent where nobody wrote it. */
export interface ResidencySources {
  /** For tenants that have no list of their own. */
  readonly byDefault?: unknown
  readonly tenant?: unknown
  /** What the request asks for; it can only narrow. */
  readonly request?: unknown
}

/**
 * The policy that binds a request: the tenant's list, or the default where it has none, narrowed by
 * the request's own. No list at all is anywhere. A list that is empty, is no list of texts or names
 * a tag outside `vocabulary` is nowhere.
 */
export function residencyOf(
  { byDefault, tenant, request }: ResidencySources,
  vocabulary: readonly string[],
): ResidencyPolicy {
  return intersectResidency(
    parseResidency(tenant ?? byDefault, vocabulary),
    parseResidency(request, vocabulary),
  )
}

/** Reads one list, see `residencyOf`. `undefined` and `null` are no list. */
export function parseResidency(list: unknown, vocabulary: readonly string[]): ResidencyPolicy {
  if (list === undefined || list === null) return ANYWHERE
  if (!Array.isArray(list) || list.length > RESIDENCY_TAGS_MAX) return nowhere('unreadable')
  if (list.length === 0) return nowhere('empty-list')
  const tags = list.filter((tag) => typeof tag === 'string')
  if (tags.length < list.length) return nowhere('unreadable')
  if (!tags.every((tag) => vocabulary.includes(tag))) return nowhere('unknown-tag')
  return { kind: 'restricted', anyOf: [tags] }
}

/**
 * Reads the header in which a request narrows its residency: `eu, gdpr`. Without the header it is
 * no list; an empty text is an empty one.
 */
export function parseResidencyHeader(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined
  if (text.trim() === '') return []
  return text.split(',').map((tag) => tag.trim())
}

function nowhere(problem: ResidencyProblem): ResidencyPolicy {
  return { kind: 'nowhere', problem }
}

/** What both policies allow. */
export function intersectResidency(a: ResidencyPolicy, b: ResidencyPolicy): ResidencyPolicy {
  if (a.kind === 'nowhere' || b.kind === 'anywhere') return a
  if (b.kind === 'nowhere' || a.kind === 'anywhere') return b
  return { kind: 'restricted', anyOf: [...a.anyOf, ...b.anyOf] }
}

/** Whether a place with these tags may hold the data. One without tags holds no restricted data. */
export function satisfiesResidency(tags: readonly string[], policy: ResidencyPolicy): boolean {
  switch (policy.kind) {
    case 'anywhere':
      return true
    case 'nowhere':
      return false
    case 'restricted':
      return policy.anyOf.every((list) => list.some((tag) => tags.includes(tag)))
    default:
      return policy satisfies never
  }
}

/** What a refusal for residency needs to know of a region. */
export interface ServingRegion {
  readonly residencyTags: readonly string[]
  /** Whether it has the model, up or down; `undefined` when it was never heard of. */
  readonly serves: boolean | undefined
}

/**
 * Says what a client is told when no region that its residency allows can take its request:
 * `residency_forbidden` when the model is served, but only where it may not go, so that no waiting
 * helps; else `residency_unsatisfiable`, which may pass. A region never heard of may have it.
 */
export function residencyRefusal(
  regions: readonly ServingRegion[],
  policy: ResidencyPolicy,
): 'residency_forbidden' | 'residency_unsatisfiable' {
  const allowed = regions.filter((region) => satisfiesResidency(region.residencyTags, policy))
  const outside = regions.filter((region) => !allowed.includes(region))
  const mayBeInside = allowed.some(({ serves }) => serves !== false)
  const isOutside = outside.some(({ serves }) => serves === true)
  return isOutside && !mayBeInside ? 'residency_forbidden' : 'residency_unsatisfiable'
}
