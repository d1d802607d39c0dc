// A region as queueing theory knows it: some slots, and a queue in front of them.

import type { VirtualClock } from './virtual-clock.ts'

/** Work with a service time that nobody but the world knows beforehand. */
export interface SlotWork {
  readonly serviceMs: number
  onStarted(): void
  onEnded(): void
}

/** Serves work in the order of its arrival, as many pieces at once as there are slots. */
export class SlotQueue {
  readonly #clock: VirtualClock
  readonly slots: number
  readonly queueLimit: number
  readonly #waiting: SlotWork[] = []
  /** Where the queue begins: shifting a long array would cost its length each time. */
  #first = 0
  #busy = 0

  constructor(clock: VirtualClock, slots: number, queueLimit: number) {
    this.#clock = clock
    this.slots = slots
    this.queueLimit = queueLimit
  }

  get busy(): number {
    return this.#busy
  }

  get queued(): number {
    return this.#waiting.length - this.#first
  }

  /** Takes work, or refuses it when its queue is full. */
  offer(work: SlotWork): 'taken' | 'refused' {
    if (this.#busy < this.slots) this.#start(work)
    else if (this.queued >= this.queueLimit) return 'refused'
    else this.#waiting.push(work)
    return 'taken'
  }

  #start(work: SlotWork): void {
    this.#busy += 1
    work.onStarted()
    this.#clock.after(work.serviceMs, () => {
      this.#busy -= 1
      work.onEnded()
      const next = this.#waiting[this.#first]
      if (next === undefined) return
      this.#first += 1
      if (this.#first > 1_000) this.#forgetStarted()
      this.#start(next)
    })
  }

  #forgetStarted(): void {
    this.#waiting.splice(0, this.#first)
    this.#first = 0
  }
}
