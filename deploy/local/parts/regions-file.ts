// pure

export interface Region {
  readonly id: string
  readonly name: string
}

/** The regions of a run, and everything else that the file said, for the file of this run. */
export interface RegionsFile {
  readonly regions: readonly Region[]
  /** Writes the file again with these ingress addresses in place of those it had. */
  readonly withIngresses: (urlOf: ReadonlyMap<string, string>) => string
}

/**
 * Reads as much of regions.json as a launcher needs: which regions there are. The gateway checks
 * the whole.
 *
 * `wanted` keeps some of them, in the file's order; `undefined` keeps all.
 *
 * @throws {Error} when it is no list of regions, or a wanted one is not in it.
 */
export function decodeRegionsFile(
  text: string,
  wanted: readonly string[] | undefined,
): RegionsFile {
  const file = JSON.parse(text) as { regions?: unknown }
  const entries = Array.isArray(file.regions) ? file.regions.map(decodeEntry) : []
  if (entries.length === 0) throw new Error('it has no list of regions')
  const unknown = wanted?.filter((id) => !entries.some((entry) => entry.id === id)) ?? []
  if (unknown.length > 0) {
    const known = entries.map((entry) => entry.id).join(', ')
    throw new Error(`it has no region ${unknown.join(', ')}, but ${known}`)
  }
  const chosen = entries.filter((entry) => wanted === undefined || wanted.includes(entry.id))
  return {
    regions: chosen.map(({ id, name }) => ({ id, name })),
    withIngresses: (urlOf) => {
      const regions = chosen.map(({ id, entry }) => ({ ...entry, ingress: [urlOf.get(id)] }))
      return `${JSON.stringify({ ...file, regions }, undefined, 2)}\n`
    },
  }
}

function decodeEntry(entry: unknown): Region & { entry: object } {
  if (typeof entry === 'object' && entry !== null && 'id' in entry) {
    const name = 'name' in entry ? String(entry.name) : String(entry.id)
    return { id: String(entry.id), name, entry }
  }
  throw new Error('it has a region without an id')
}
