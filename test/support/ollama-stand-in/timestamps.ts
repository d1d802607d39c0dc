// Wall clock time with the resolution of the monotonic clock: lines of one answer are microseconds
// apart, and `Date` would give them all one time.

const ORIGIN_SECONDS = Math.floor(performance.timeOrigin / 1_000)
const ORIGIN_NANOS = Math.round((performance.timeOrigin - ORIGIN_SECONDS * 1_000) * 1e6)

let cachedSecond = -1
let cachedText = ''

/**
 * Writes a moment as RFC 3339 in UTC with up to nine decimals, trailing zeros left out, as Go does.
 *
 * `atMs` counts from `performance.timeOrigin`, as `performance.now()` does; it may lie ahead.
 */
export function timestampAt(atMs: number): string {
  const nanos = ORIGIN_NANOS + Math.round(atMs * 1e6)
  const second = ORIGIN_SECONDS + Math.floor(nanos / 1e9)
  if (second !== cachedSecond) {
    // Formatting a date costs a microsecond, and most timestamps share their second.
    cachedText = new Date(second * 1_000).toISOString().slice(0, -5)
    cachedSecond = second
  }
  const fraction = String(nanos % 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return fraction === '' ? `${cachedText}Z` : `${cachedText}.${fraction}Z`
}

/** Turns milliseconds into whole nanoseconds as Ollama counts them; what has passed is never 0. */
export function nanosOf(ms: number): number {
  return Math.max(1, Math.round(ms * 1e6))
}
