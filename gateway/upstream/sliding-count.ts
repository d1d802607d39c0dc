// pure

/** Parts of a window; one more is kept, because the window never begins where a part does. */
const PARTS = 10

/**
 * Counts events over a sliding window, in parts of a tenth of it. Times must not go back; one that
 * does counts as the newest so far. Constant in memory and in time.
 */
export class SlidingCount {
  readonly #partMs: number
  readonly #counts = new Float64Array(PARTS + 1)
  #part = Number.NEGATIVE_INFINITY
  #sum = 0

  constructor(windowMs: number) {
    this.#partMs = windowMs / PARTS
  }

  add(nowMs: number): void {
    this.#moveTo(nowMs)
    this.#set(this.#part, this.#get(this.#part) + 1)
    this.#sum += 1
  }

  /** Events of the window and of the rest of the part in which it begins: never too few. */
  atMost(nowMs: number): number {
    if (this.#sum === 0) return 0 // Most counts are empty most of the time.
    this.#moveTo(nowMs)
    return this.#sum
  }

  /** Events of the window less those of the part in which it begins: never too many. */
  atLeast(nowMs: number): number {
    if (this.#sum === 0) return 0
    this.#moveTo(nowMs)
    return this.#sum - this.#get(this.#part - PARTS)
  }

  /** Forgets the parts that the window has left. */
  #moveTo(nowMs: number): void {
    const part = Math.floor(nowMs / this.#partMs)
    if (part <= this.#part) return
    const first = Math.max(this.#part + 1, part - PARTS)
    for (let at = first; at <= part; at++) {
      this.#sum -= this.#get(at)
      this.#set(at, 0)
    }
    this.#part = part
  }

  #get(part: number): number {
    return this.#counts[indexOf(part)] ?? 0
  }

  #set(part: number, count: number): void {
    this.#counts[indexOf(part)] = count
  }
}

/** Times may be negative, and so may parts; the remainder of those would be negative, too. */
function indexOf(part: number): number {
  return ((part % (PARTS + 1)) + PARTS + 1) % (PARTS + 1)
}
