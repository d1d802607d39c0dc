/** What came of asking for a slot. */
export type SlotAnswer = 'taken' | 'full'

interface Waiter {
  readonly admit: () => void
}

/** The runner's room: so many at once, the rest in the order of arrival. */
export class Slots {
  readonly size: number
  readonly waitingMax: number
  /** A set keeps the order of arrival and forgets one in the middle at no cost. */
  readonly #waiters = new Set<Waiter>()
  readonly #changed: () => void
  #running = 0

  /** `changed` is called after every change of `running` or `waiting`. */
  constructor(size: number, waitingMax: number, changed: () => void = () => {}) {
    this.size = size
    this.waitingMax = waitingMax
    this.#changed = changed
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Takes a slot, after those who came earlier. `full` when too many wait already.
   *
   * Whoever has taken one gives it back once with `release`. Rejects with the signal's reason when
   * it aborts while waiting; then there is nothing to give back.
   */
  async take(signal: AbortSignal): Promise<SlotAnswer> {
    signal.throwIfAborted()
    if (this.#running < this.size) {
      this.#running += 1
      this.#changed()
      return 'taken'
    }
    if (this.#waiters.size >= this.waitingMax) return 'full'
    await this.#turn(signal)
    return 'taken'
  }

  /** Gives a slot back, to the one who has waited longest. */
  release(): void {
    const [next] = this.#waiters
    if (next !== undefined) return next.admit() // The slot is not free in between.
    this.#running -= 1
    this.#changed()
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', giveUp)
        this.#changed()
      }
      const giveUp = (): void => {
        leave()
        reject(signal.reason)
      }
      const waiter: Waiter = {
        admit: () => {
          leave()
          resolve()
        },
      }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', giveUp)
      this.#changed()
    })
  }
}
