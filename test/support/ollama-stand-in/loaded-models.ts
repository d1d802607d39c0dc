import { setTimeout as pause } from 'node:timers/promises'
import type { Model } from './model-catalog.ts'

/** Ollama's own default for models that no request has said otherwise about. */
const KEEP_ALIVE_MS = 5 * 60_000
/** What "for ever" is in Ollama's answers: the most nanoseconds that it can count. */
const FOREVER_MS = 292 * 365.25 * 24 * 3_600_000

/** How one request wants its model. */
export interface LoadWish {
  readonly loadDelayMs: number
  /** Loads again even when the model is resident. */
  readonly reload: boolean
  /** How long the model stays after this request; `undefined` for the default. */
  readonly keepAliveMs: number | undefined
}

/** A model in memory. */
export interface ResidentModel {
  readonly model: Model
  /** On the clock of `performance.now()`. */
  readonly expiresAtMs: number
}

/** Which models are in memory. Nothing is ever loaded; the time that it takes is what counts. */
export class LoadedModels {
  readonly #resident = new Map<string, ResidentModel>()
  readonly #loading = new Map<string, Promise<unknown>>()

  /**
   * Waits until the model is resident and prolongs its stay.
   *
   * Several who want the same model wait for one load. Who is gone stops waiting, with the signal's
   * error; the load goes on for the others.
   */
  async load(model: Model, wish: LoadWish, signal: AbortSignal): Promise<void> {
    const isResident = this.#isResident(model.name)
    if (wish.loadDelayMs > 0 && (wish.reload || !isResident)) {
      await orAborted(this.#loadingOf(model.name, wish.loadDelayMs), signal)
    }
    const staysMs = Math.min(wish.keepAliveMs ?? KEEP_ALIVE_MS, FOREVER_MS)
    this.#resident.set(model.name, { model, expiresAtMs: performance.now() + staysMs })
  }

  unload(model: Model): void {
    this.#resident.delete(model.name)
  }

  /** Lists what is in memory, the longest stay first, as `/api/ps` does. */
  list(): readonly ResidentModel[] {
    for (const name of this.#resident.keys()) this.#isResident(name)
    return [...this.#resident.values()].sort((a, b) => b.expiresAtMs - a.expiresAtMs)
  }

  #isResident(name: string): boolean {
    const resident = this.#resident.get(name)
    if (resident !== undefined && resident.expiresAtMs <= performance.now()) {
      this.#resident.delete(name)
      return false
    }
    return resident !== undefined
  }

  #loadingOf(name: string, delayMs: number): Promise<unknown> {
    const under = this.#loading.get(name)
    if (under !== undefined) return under
    const load = pause(delayMs, undefined, { ref: false })
    this.#loading.set(name, load)
    void load.then(() => this.#loading.delete(name))
    return load
  }
}

function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason)
    signal.throwIfAborted()
    signal.addEventListener('abort', giveUp, { once: true })
    void work.then(() => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    })
  })
}
