// pure
//
// Which copy of a program is taken: what the person named, else one on the PATH that is new enough,
// else the one that was fetched before. Only the choice is made here; the edge has looked.

export type Version = readonly [major: number, minor: number, patch: number]

/** One place that was looked at. `found` says what came of running `--version` there. */
export interface Candidate {
  readonly source: 'explicit' | 'path' | 'runtime'
  readonly path: string
  readonly found:
    | { readonly kind: 'absent' }
    | { readonly kind: 'mute'; readonly why: string }
    | { readonly kind: 'version'; readonly version: Version }
}

export type Verdict =
  | { readonly kind: 'use'; readonly path: string; readonly version: Version }
  | { readonly kind: 'fetch'; readonly passedOver: readonly string[] }
  | { readonly kind: 'refuse'; readonly why: string }

/**
 * Takes the first candidate that is new enough, in the order given.
 *
 * An explicit path that cannot be used is refused and not passed over: who names a program wants
 * that one. No candidate at all is `fetch`; `passedOver` then says what was found and not good.
 */
export function decideProgram(
  candidates: readonly Candidate[],
  floors: readonly Version[],
): Verdict {
  const passedOver: string[] = []
  for (const { source, path, found } of candidates) {
    if (found.kind === 'version' && isNewEnough(found.version, floors)) {
      return { kind: 'use', path, version: found.version }
    }
    const why = reasonAgainst(path, found, floors)
    if (source === 'explicit') return { kind: 'refuse', why }
    if (found.kind !== 'absent') passedOver.push(why)
  }
  return { kind: 'fetch', passedOver }
}

/**
 * Tells whether a version is at least the floor of its own minor line, or above every line that
 * has a floor. With floors 2.11.15 and 2.12.6: 2.11.20 and 2.13.0 are, 2.10.99 and 2.12.5 are not.
 */
export function isNewEnough(version: Version, floors: readonly Version[]): boolean {
  const ascending = floors.toSorted(compareVersions)
  const highest = ascending.at(-1)
  if (highest === undefined || compareVersions(version, highest) >= 0) return true
  const ofItsLine = ascending.find(([major, minor]) => major === version[0] && minor === version[1])
  return ofItsLine !== undefined && compareVersions(version, ofItsLine) >= 0
}

/** Reads the first `1.2.3` in what a program says of itself; `undefined` when there is none. */
export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(text)
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])]
}

/** Writes `1.2.3`. */
export function formatVersion(version: Version): string {
  return version.join('.')
}

function reasonAgainst(
  path: string,
  found: Candidate['found'],
  floors: readonly Version[],
): string {
  switch (found.kind) {
    case 'absent':
      return `${path} does not exist`
    case 'mute':
      return `${path} does not tell its version: ${found.why}`
    case 'version': {
      const wanted = floors.map(formatVersion).join(' or ')
      return `${path} is ${formatVersion(found.version)}, wanted is at least ${wanted}`
    }
    default:
      return found satisfies never
  }
}

function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}
