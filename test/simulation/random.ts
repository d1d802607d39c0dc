// Chance that repeats. xoshiro128** (Blackman and Vigna, 2018; public domain) has 128 bits of state
// and passes the usual batteries; the state comes from SplitMix32 (Steele, Lea and Flood, 2014), so
// that seeds that follow one another give runs that have nothing to do with one another. A
// generator whose state is the seed plus a counter would hand neighbouring seeds parts of one
// sequence.

/** Random numbers that are always the same for one seed and one stream. */
export class Random {
  readonly #state: Uint32Array
  #spareNormal: number | undefined

  /** Streams of one seed are independent: drawing more from one changes nothing in another. */
  constructor(seed: number, stream = 0) {
    const mix = splitMix((seed ^ Math.imul(stream + 1, 0x9e37_79b9)) >>> 0)
    this.#state = Uint32Array.from([mix(), mix(), mix(), mix() | 1]) // Never all zero.
  }

  /** In [0, 1), in steps of 2⁻³². */
  next(): number {
    const state = this.#state
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0
    const c = s2 ^ s0
    const d = s3 ^ s1
    state[0] = s0 ^ d
    state[1] = s1 ^ c
    state[2] = c ^ (s1 << 9)
    state[3] = rotate(d, 11)
    return result / 2 ** 32
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next()
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** @throws {RangeError} when there is nothing to pick from. */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  /** The time to the next of events that do not know of one another, `mean` apart on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  /** Mean 0, deviation 1 (Marsaglia's polar method, which makes two at a time). */
  normal(): number {
    const spare = this.#spareNormal
    this.#spareNormal = undefined
    if (spare !== undefined) return spare
    for (;;) {
      const u = 2 * this.next() - 1
      const v = 2 * this.next() - 1
      const square = u * u + v * v
      if (square === 0 || square >= 1) continue
      const scale = Math.sqrt((-2 * Math.log(square)) / square)
      this.#spareNormal = v * scale
      return u * scale
    }
  }

  /** With this mean; `sigma` is the deviation of its logarithm. */
  logNormal(mean: number, sigma: number): number {
    return mean * Math.exp(sigma * this.normal() - (sigma * sigma) / 2)
  }
}

function splitMix(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e37_79b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
    return (mixed ^ (mixed >>> 16)) >>> 0
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
