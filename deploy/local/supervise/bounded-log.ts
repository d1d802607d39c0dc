import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** With the older file beside it one process leaves 20 MiB at most. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024
const TAIL_CHARS_MAX = 8 * 1024

/**
 * The log file of one child: emptied when it is made, and moved to `<path>.1` when it is full.
 *
 * Writes are synchronous: they go to the page cache, keep their order, and need no bound on what
 * waits. `close()` may be called twice; what is written after it, or to a full disk, is dropped.
 */
export class BoundedLog {
  readonly path: string
  readonly #bytesMax: number
  #file: number | undefined
  #bytes = 0
  #tail = ''

  constructor(path: string, bytesMax: number = LOG_BYTES_MAX) {
    this.path = path
    this.#bytesMax = bytesMax
    mkdirSync(dirname(path), { recursive: true })
    this.#file = openSync(path, 'w')
  }

  write(chunk: Buffer): void {
    if (this.#file === undefined) return
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#bytesMax) this.#rotate(this.#file)
    try {
      writeSync(this.#file, chunk)
    } catch {
      return // A full disk costs log lines, not the processes that wrote them.
    }
    this.#bytes += chunk.length
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-TAIL_CHARS_MAX)
  }

  /** Returns the last lines, oldest first, as far as 8 KiB reach back. */
  lastLines(count: number): readonly string[] {
    return this.#tail.trimEnd().split('\n').slice(-count)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #rotate(file: number): void {
    closeSync(file)
    renameSync(this.path, `${this.path}.1`)
    this.#file = openSync(this.path, 'w')
    this.#bytes = 0
  }
}
