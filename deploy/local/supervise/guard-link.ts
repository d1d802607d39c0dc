import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

const RESTART_DELAY_MS = 500

/**
 * The launcher's end of the pipe to the guard, which ends all watched process groups as soon as
 * this process is gone. A guard that is killed itself is replaced.
 */
export class GuardLink {
  readonly #watched = new Set<number>()
  readonly #graceMs: number
  #guard: ChildProcess
  #closed = false

  /** `graceMs` is what lies between the SIGTERM and the SIGKILL of the guard. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs
    this.#guard = this.#start()
  }

  get pid(): number | undefined {
    return this.#guard.pid
  }

  watch(leader: number): void {
    this.#watched.add(leader)
    this.#guard.stdin?.write(`+${leader}\n`)
  }

  unwatch(leader: number): void {
    this.#watched.delete(leader)
    this.#guard.stdin?.write(`-${leader}\n`)
  }

  /** Lets the guard go; it ends whoever is still watched. May be called twice. */
  close(): void {
    this.#closed = true
    this.#guard.stdin?.end()
  }

  #start(): ChildProcess {
    const args = [join(import.meta.dirname, 'guard.ts'), String(this.#graceMs)]
    const guard = spawn(process.execPath, args, {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    guard.stdin?.on('error', () => {}) // A broken pipe: its exit is what counts.
    for (const leader of this.#watched) guard.stdin?.write(`+${leader}\n`)
    guard.once('exit', () => {
      if (this.#closed) return
      setTimeout(() => {
        if (!this.#closed) this.#guard = this.#start()
      }, RESTART_DELAY_MS).unref()
    })
    guard.unref()
    return guard
  }
}
