// pure

/** Said when no region has told its version; a server built without one says the same of itself. */
const UNKNOWN = '0.0.0'

/** Finds the lowest version. What is none is skipped, such as '' where a region knows none. */
export function lowestVersion(versions: readonly string[]): string {
  const [lowest = UNKNOWN] = versions.filter((text) => VERSION.test(text)).toSorted(compareVersions)
  return lowest
}

const VERSION = /^v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:-([\w.-]+))?(?:\+[\w.-]+)?$/

/** By precedence as semver.org has it in item 11: a pre-release comes before its release. */
function compareVersions(a: string, b: string): number {
  const [, majorA, minorA, patchA = '0', suffixA] = VERSION.exec(a) ?? []
  const [, majorB, minorB, patchB = '0', suffixB] = VERSION.exec(b) ?? []
  return (
    Number(majorA) - Number(majorB) ||
    Number(minorA) - Number(minorB) ||
    Number(patchA) - Number(patchB) ||
    compareSuffixes(suffixA, suffixB)
  )
}

function compareSuffixes(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  const [partsA, partsB] = [a.split('.'), b.split('.')]
  for (const [at, partA] of partsA.entries()) {
    const partB = partsB[at]
    if (partB === undefined) break
    const order = compareIdentifiers(partA, partB)
    if (order !== 0) return order
  }
  return partsA.length - partsB.length
}

/** Numbers come before words, and are compared as numbers. */
function compareIdentifiers(a: string, b: string): number {
  const [isNumberA, isNumberB] = [a, b].map((text) => /^\d+$/.test(text))
  if (isNumberA && isNumberB) return Number(a) - Number(b)
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1
  return a === b ? 0 : a < b ? -1 : 1
}
