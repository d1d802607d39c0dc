// pure

/**
 * The range of wire versions that this build speaks. A peer announces its own range in the header
 * `meridian-wire` of each call and in its load report; two builds talk when the ranges meet.
 */
export const WIRE: WireRange = { min: 1, max: 1 }

/** The build that a process reports for people to read; it decides nothing. */
export const BUILD_VERSION = '0.1.0'

export interface WireRange {
  readonly min: number
  readonly max: number
}

/** Finds the highest version in both ranges, or `undefined` when they do not meet. */
export function commonWireVersion(a: WireRange, b: WireRange): number | undefined {
  const version = Math.min(a.max, b.max)
  return version >= Math.max(a.min, b.min) ? version : undefined
}

/** Writes a range as `min-max`, the form of the header `meridian-wire`. */
export function encodeWireRange(range: WireRange): string {
  return `${range.min}-${range.max}`
}

/**
 * Reads `min-max`, both from 1 to 9999. Anything else, `undefined` too, is `undefined`: no guess.
 */
export function decodeWireRange(text: string | undefined): WireRange | undefined {
  const match = /^([1-9]\d{0,3})-([1-9]\d{0,3})$/.exec(text ?? '')
  if (match === null) return undefined
  const range = { min: Number(match[1]), max: Number(match[2]) }
  return range.min <= range.max ? range : undefined
}
