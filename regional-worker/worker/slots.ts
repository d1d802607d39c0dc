// pure

/** Room for one piece of work. It is given back once; what is done with it later has no effect. */
export interface Slot {
  /** The work has ended, but Ollama may still be at it: the slot stays taken until `free`. */
  cool(): void
  free(): void
}

type SlotState = 'running' | 'cooling' | 'free'

/** Counts the slots of a worker, which are as many as Ollama serves at once. */
export class Slots {
  readonly total: number
  #running = 0
  #cooling = 0

  constructor(total: number) {
    this.total = total
  }

  get running(): number {
    return this.#running
  }

  get cooling(): number {
    return this.#cooling
  }

  /** Slots that take no work, for whatever reason. */
  get busy(): number {
    return this.#running + this.#cooling
  }

  get free(): number {
    return this.total - this.busy
  }

  /** Takes a slot, or `undefined` when none is free. */
  take(): Slot | undefined {
    if (this.free === 0) return undefined
    let state: SlotState = 'running'
    this.#running += 1
    return {
      cool: () => {
        if (state !== 'running') return
        state = 'cooling'
        this.#running -= 1
        this.#cooling += 1
      },
      free: () => {
        if (state === 'running') this.#running -= 1
        if (state === 'cooling') this.#cooling -= 1
        state = 'free'
      },
    }
  }
}
