// pure

import { FRAME_BYTES_MAX } from '#wire/frames.ts'

/** Release lines of nats-server and the first release of each that has no known hole. */
const FIT_FROM: readonly (readonly [line: readonly [number, number], patch: number])[] = [
  [[2, 11], 15],
  [[2, 12], 6],
]

/**
 * Judges a server's version by `queueing.md` section 1: below 2.11.15, and 2.12.0 to 2.12.5, have
 * published holes (among them CVE-2026-33222 and CVE-2026-33248), and older ones can lose a stream.
 * A later line is fit. What cannot be read is not: nobody knows what it is.
 */
export function isFitNatsVersion(version: string): boolean {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)
  if (match === null) return false
  const [major, minor, patch] = match.slice(1).map(Number) as [number, number, number]
  const known = FIT_FROM.find(([line]) => line[0] === major && line[1] === minor)
  if (known !== undefined) return patch >= known[1]
  return major > 2 || (major === 2 && minor > 12)
}

/**
 * Names what makes a server unfit for a region, or `undefined`. Unlike an old version, a payload
 * limit below the largest frame is no risk but a failure that waits for its first long answer.
 */
export function payloadProblemOf(payloadBytesMax: number): string | undefined {
  if (payloadBytesMax >= FRAME_BYTES_MAX) return undefined
  return `nats-server max_payload ${payloadBytesMax}: want ${FRAME_BYTES_MAX} or more`
}
