// pure

/** How far back a percentile looks, in ms. */
const WINDOW_MS = 30_000
/** The most answers that are remembered: under load the window is shorter, and fresher. */
const SAMPLES_MAX = 1_024

/** How long JetStream took to answer the last publishes. */
export class PublishTimes {
  readonly #atMs = new Float64Array(SAMPLES_MAX)
  readonly #tookMs = new Float64Array(SAMPLES_MAX)
  #count = 0

  record(tookMs: number, nowMs: number): void {
    const at = this.#count % SAMPLES_MAX
    this.#atMs[at] = nowMs
    this.#tookMs[at] = tookMs
    this.#count += 1
  }

  /** The 95th percentile (nearest rank) over the last 30 s, in ms; null without one answer. */
  p95(nowMs: number): number | null {
    const known = Math.min(this.#count, SAMPLES_MAX)
    const recent = this.#tookMs
      .subarray(0, known)
      .filter((_, at) => nowMs - (this.#atMs[at] ?? 0) <= WINDOW_MS)
      .sort()
    return recent[Math.ceil(recent.length * 0.95) - 1] ?? null
  }
}
