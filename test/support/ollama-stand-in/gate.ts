import { EventEmitter, once } from 'node:events'

/** Holds every request where it stands while it is shut, as a stopped process would. */
export class Gate {
  readonly #opening = new EventEmitter().setMaxListeners(0) // One for each request that it holds.
  #shut = false

  get isShut(): boolean {
    return this.#shut
  }

  shut(): void {
    this.#shut = true
  }

  open(): void {
    this.#shut = false
    this.#opening.emit('open')
  }

  /** Waits until the gate is open, which it may be already. Rejects when the signal aborts. */
  async passed(signal: AbortSignal): Promise<void> {
    while (this.#shut) await once(this.#opening, 'open', { signal })
  }
}
