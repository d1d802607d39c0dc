import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'

const LOOK_EVERY_MS = 5
/** A hang, and not a slow machine. */
const GIVE_UP_AFTER_MS = 10_000

/**
 * Waits until `look` returns something other than `undefined` and `false`, and returns that.
 *
 * @throws {AssertionError} saying that `fact` did not become true, after ten seconds.
 */
export async function eventually<Found>(
  fact: string,
  look: () => Found | undefined | false | Promise<Found | undefined | false>,
): Promise<Found> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    assert.ok(performance.now() < giveUpAt, `did not come true: ${fact}`)
    await setTimeout(LOOK_EVERY_MS)
  }
}
