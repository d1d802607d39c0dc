// Time as a list of things that are still to happen. It jumps from one to the next, so an hour
// takes as long as what happens in it; things of the same moment happen in the order they were
// planned, which is what makes a run with the same seed the same run.

/** A clock that moves only when it is told to, in ms from 0. */
export class VirtualClock {
  // A binary heap by time, then by number, in three arrays side by side: a heap of objects spends a
  // third of a run on collecting them.
  readonly #times: number[] = []
  readonly #numbers: number[] = []
  readonly #runs: (() => void)[] = []
  #planned = 0
  #nowMs = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Plans something in `ms` from now; a time that is over already is now. */
  after(ms: number, run: () => void): void {
    this.at(this.#nowMs + ms, run)
  }

  /** Plans something for a moment; one that is over already is now. */
  at(ms: number, run: () => void): void {
    this.#planned += 1
    this.#rise(Math.max(this.#nowMs, ms), this.#planned, run)
  }

  /** Lets the next thing happen that is due until `untilMs`. False = there is none. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    const [atMs] = this.#times
    const [run] = this.#runs
    if (atMs === undefined || run === undefined || atMs > untilMs) return false
    this.#nowMs = atMs
    this.#removeFirst()
    run()
    return true
  }

  /** Lets everything happen that is due until `untilMs`, and what follows from it until then. */
  runUntil(untilMs = Number.POSITIVE_INFINITY): void {
    while (this.step(untilMs));
    if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** Moves up, from the end, until nothing above is later. */
  #rise(ms: number, number: number, run: () => void): void {
    let at = this.#times.length
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!this.#isLater(above, ms, number)) break
      this.#move(above, at)
      at = above
    }
    this.#put(at, ms, number, run)
  }

  /** Moves the last one down, from the top, until nothing below is earlier. */
  #removeFirst(): void {
    const ms = this.#times.pop() ?? 0
    const number = this.#numbers.pop() ?? 0
    const run = this.#runs.pop()
    const count = this.#times.length
    if (run === undefined || count === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= count) break
      if (below + 1 < count && this.#isLater(below, this.#ms(below + 1), this.#number(below + 1))) {
        below += 1
      }
      if (!this.#isEarlier(below, ms, number)) break
      this.#move(below, at)
      at = below
    }
    this.#put(at, ms, number, run)
  }

  #ms(at: number): number {
    return this.#times[at] ?? Number.POSITIVE_INFINITY
  }

  #number(at: number): number {
    return this.#numbers[at] ?? 0
  }

  #isLater(at: number, ms: number, number: number): boolean {
    const other = this.#ms(at)
    return other > ms || (other === ms && this.#number(at) > number)
  }

  #isEarlier(at: number, ms: number, number: number): boolean {
    const other = this.#ms(at)
    return other < ms || (other === ms && this.#number(at) < number)
  }

  #move(from: number, to: number): void {
    const run = this.#runs[from]
    if (run !== undefined) this.#put(to, this.#ms(from), this.#number(from), run)
  }

  #put(at: number, ms: number, number: number, run: () => void): void {
    this.#times[at] = ms
    this.#numbers[at] = number
    this.#runs[at] = run
  }
}
