// pure

/** What a tie between regions is broken by: the round trip from here plus the wait for a slot. */
export function rawTieScore(facts: {
  readonly rttEwmaMs?: number | undefined
  readonly waitMs?: number | undefined
}): number {
  const { rttEwmaMs = Number.POSITIVE_INFINITY, waitMs = 0 } = facts
  return rttEwmaMs + waitMs // A region that was never reached comes after all that were.
}

/**
 * Expects how long new work waits for a slot, in ms: the work before it that finds no slot, at the
 * pace of all slots together. Without slots it waits for ever.
 */
export function expectedWaitMs(load: {
  readonly estimated: number
  readonly slots: number
  readonly serviceMeanMs: number
}): number {
  const { estimated, slots, serviceMeanMs } = load
  if (slots <= 0) return Number.POSITIVE_INFINITY
  return (Math.max(0, estimated - slots + 1) * serviceMeanMs) / slots
}

/** A tie score as others see it, and since when. */
export interface PublishedTieScore {
  readonly tieScore: number
  readonly publishedMs: number
}

const CHANGE_MS_MIN = 10
const CHANGE_SHARE_MIN = 0.2

/**
 * Publishes a new tie score only when it differs from the published one by more than 10 ms and more
 * than 20 %, and by default only 60 s after the last change, so that jitter moves no traffic.
 *
 * The first score is published at once. While nothing is to change, `published` itself is returned.
 */
export function publishTieScore(
  published: PublishedTieScore | undefined,
  rawScore: number,
  nowMs: number,
  holdMs = 60_000,
): PublishedTieScore {
  if (published === undefined) return { tieScore: rawScore, publishedMs: nowMs }
  const { tieScore, publishedMs } = published
  if (nowMs - publishedMs < holdMs || !isOther(tieScore, rawScore)) return published
  return { tieScore: rawScore, publishedMs: nowMs }
}

function isOther(published: number, raw: number): boolean {
  // Twice Infinity is no change, and from or to Infinity always is one: 20 % of it says nothing.
  if (!Number.isFinite(published) || !Number.isFinite(raw)) return published !== raw
  return Math.abs(raw - published) > Math.max(CHANGE_MS_MIN, published * CHANGE_SHARE_MIN)
}
