// pure

const FIRST_DELAY_MS = 500
const DELAY_MS_MAX = 5_000
/** Who has run this long had no trouble in starting, so the next delay is the first one again. */
const STEADY_AFTER_MS = 10_000

/** Returns how long to wait before the restart that follows `failures` ≥ 1 ends in a row. */
export function restartDelayMs(failures: number): number {
  return Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** (failures - 1))
}

/** Counts the end of a process that ran for `ranMs`: one more in a row, or the first of another. */
export function countFailure(failures: number, ranMs: number): number {
  return ranMs >= STEADY_AFTER_MS ? 1 : failures + 1
}
