// pure
// What an operator writes about the world. A file is taken whole or not at all, and every problem
// is named at once: a gateway that guessed at half a file would send clients to the other half.

import { JsonFields, type TextRule } from './json-fields.ts'

/** A site that can serve. `lat` and `lon` in degrees; `ingress` are origins, with their ports. */
export interface Region {
  readonly id: string
  readonly name: string
  readonly lat: number
  readonly lon: number
  /** Where data may be said to stay; none satisfies no restricted tenant. */
  readonly residencyTags: readonly string[]
  readonly ingress: readonly string[]
  /** -90..90 percent of distance; positive attracts. */
  readonly bias: number
  /** 0..1, multiplies availability. */
  readonly capacityScaler: number
  /** `drain` finishes and takes nothing new, `off` is as if the region did not exist. */
  readonly admin: 'active' | 'drain' | 'off'
  /** Digests that models must have here, by model; a model that is not named may have any. */
  readonly models: ReadonlyMap<string, { readonly digest: string }>
  /** The most slots that a report of this region may claim. */
  readonly maxSlots: number
}

export interface Regions {
  readonly kind: 'regions'
  readonly version: 1
  /** Ranks regions by distance from the client, or by round trip from the gateway's edge. */
  readonly proximity: 'client' | 'edge'
  /** Every tag that there is. */
  readonly residencyTags: readonly string[]
  /** At least one, in the order of the file. */
  readonly regions: readonly Region[]
}

const TEXT_CHARS_MAX = 1_048_576
const REGIONS_MAX = 200
const INGRESS_MAX = 32
const TAGS_MAX = 64
const MODELS_MAX = 1_000
const NAME_CHARS_MAX = 64
const SLOTS_MAX = 65_536
const REGION_ID = /^[a-z][a-z0-9-]{1,31}$/
const TAG = /^[a-z][a-z0-9-]{0,31}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

const FILE_FIELDS = ['version', 'proximity', 'residencyTags', 'regions']
const REGION_FIELDS = [
  'id',
  'name',
  'lat',
  'lon',
  'residencyTags',
  'ingress',
  'bias',
  'capacityScaler',
  'admin',
  'models',
  'maxSlots',
]

const ID_RULE: TextRule = {
  want: 'lower case letters, digits and hyphens, as in eu-central',
  matches: (text) => REGION_ID.test(text),
}
const NAME_RULE: TextRule = {
  want: `1 to ${NAME_CHARS_MAX} characters`,
  matches: (text) => text.trim() !== '' && text.length <= NAME_CHARS_MAX,
}
const TAG_RULE: TextRule = {
  want: 'a tag, as in eu',
  matches: (text) => TAG.test(text),
}
const ORIGIN_RULE: TextRule = {
  want: 'an HTTPS origin, as in https://ingress.example:7443',
  matches: (text) => originOf(text) !== undefined,
}
const DIGEST_RULE: TextRule = {
  want: 'sha256: and 64 hexadecimal digits',
  matches: (text) => DIGEST.test(text),
}

/** Parses the text of regions.json, or lists everything that is wrong with it. */
export function parseRegions(
  text: string,
): Regions | { readonly kind: 'problems'; readonly problems: readonly string[] } {
  const problems: string[] = []
  const value = decodeJson(text, problems)
  if (problems.length > 0) return { kind: 'problems', problems }
  const regions = readRegions(new JsonFields(value, { path: '', problems, known: FILE_FIELDS }))
  return problems.length > 0 ? { kind: 'problems', problems } : regions
}

function decodeJson(text: string, problems: string[]): unknown {
  if (text.length > TEXT_CHARS_MAX) {
    problems.push(`the file: is longer than ${TEXT_CHARS_MAX} characters`)
    return undefined
  }
  try {
    return JSON.parse(text)
  } catch {
    problems.push('the file: is no JSON')
    return undefined
  }
}

function readRegions(file: JsonFields): Regions {
  file.number('version', { min: 1, max: 1 })
  const proximity = file.choice('proximity', ['client', 'edge'], 'client')
  const tags = file.texts('residencyTags', TAG_RULE, { min: 0, max: TAGS_MAX }, [])
  const entries = file.objects('regions', REGION_FIELDS, { min: 1, max: REGIONS_MAX })
  const regions = entries.map((fields) => readRegion(fields, tags))
  complainOfTwins(entries, regions)
  return { kind: 'regions', version: 1, proximity, residencyTags: tags, regions }
}

function readRegion(fields: JsonFields, vocabulary: readonly string[]): Region {
  const tagRule: TextRule = {
    want: 'a tag of the vocabulary',
    matches: (tag) => vocabulary.includes(tag),
  }
  const id = fields.text('id', ID_RULE)
  return {
    id,
    name: fields.has('name') ? fields.text('name', NAME_RULE) : id,
    lat: fields.number('lat', { min: -90, max: 90 }),
    lon: fields.number('lon', { min: -180, max: 180 }),
    residencyTags: fields.texts('residencyTags', tagRule, { min: 0, max: TAGS_MAX }, []),
    ingress: fields
      .texts('ingress', ORIGIN_RULE, { min: 1, max: INGRESS_MAX })
      .flatMap((text) => originOf(text) ?? []),
    bias: fields.number('bias', { min: -90, max: 90 }, 0),
    capacityScaler: fields.number('capacityScaler', { min: 0, max: 1 }, 1),
    admin: fields.choice('admin', ['active', 'drain', 'off'], 'active'),
    models: readModels(fields),
    maxSlots: fields.number('maxSlots', { min: 1, max: SLOTS_MAX, kind: 'integer' }, 256),
  }
}

/** Gives the canonical origin; `undefined` for another scheme, a path, a query or credentials. */
function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, origin, href } = new URL(text)
  return protocol === 'https:' && href === `${origin}/` ? origin : undefined
}

function readModels(fields: JsonFields): Region['models'] {
  const models = fields.has('models') ? fields.object('models', 'any') : undefined
  const names = models?.names() ?? []
  if (names.length > MODELS_MAX) fields.complain('models', `want ${MODELS_MAX} at most`)
  return new Map(
    names.slice(0, MODELS_MAX).flatMap((name) => {
      const digest = models?.object(name, ['digest']).text('digest', DIGEST_RULE) ?? ''
      return [[name, { digest }]]
    }),
  )
}

/** An id names one region, and an origin is the door of one region: certificates say which. */
function complainOfTwins(entries: readonly JsonFields[], regions: readonly Region[]): void {
  const idsSeen = new Set<string>()
  const doorOf = new Map<string, string>()
  for (const [at, { id, ingress }] of regions.entries()) {
    if (id !== '' && idsSeen.has(id)) entries[at]?.complain('id', `"${id}" is there twice`)
    idsSeen.add(id)
    for (const origin of ingress) {
      const other = doorOf.get(origin)
      if (other !== undefined) entries[at]?.complain('ingress', `${origin} belongs to ${other}`)
      doorOf.set(origin, id)
    }
  }
}
