import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again and again until an answer is there.
 *
 * Returns the first answer that is not `undefined`, or `undefined` when `timeoutMs` have passed or
 * `signal` is aborted. The first question is asked at once; a question that throws ends it all.
 */
export async function pollUntil<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  options: { timeoutMs: number; everyMs: number; signal?: AbortSignal },
): Promise<T | undefined> {
  const endMs = performance.now() + options.timeoutMs
  for (;;) {
    if (options.signal?.aborted) return undefined
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() >= endMs) return undefined
    // An abort ends the pause early; the loop then sees it.
    const pause = options.signal === undefined ? undefined : { signal: options.signal }
    await delay(options.everyMs, undefined, pause).catch(() => undefined)
  }
}

/**
 * Tells whether a GET of `url` is answered with a status of the 200s within `timeoutMs`.
 *
 * Anything else is `false`: refused, silent, another status.
 */
export async function answersOk(url: string, timeoutMs = 1_000): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
