const LINE_CHARS_MAX = 64 * 1024

/**
 * Waits for the first line of a process's output that `read` makes something of.
 *
 * Lines longer than 64 KiB are not looked at. Resolves to `undefined` once `signal` is aborted.
 * Call `push` with the output as it comes; it does nothing once the line has been found.
 */
export class FirstLine<T> {
  readonly found: Promise<T | undefined>
  readonly #read: (line: string) => T | undefined
  #resolve: ((value: T | undefined) => void) | undefined
  #partial = ''

  constructor(read: (line: string) => T | undefined, signal: AbortSignal) {
    this.#read = read
    const { promise, resolve } = Promise.withResolvers<T | undefined>()
    this.found = promise
    this.#resolve = resolve
    signal.addEventListener('abort', () => this.#settle(undefined), { once: true })
  }

  push(chunk: Buffer): void {
    if (this.#resolve === undefined) return
    const lines = (this.#partial + chunk.toString('utf8')).split('\n')
    this.#partial = (lines.pop() ?? '').slice(-LINE_CHARS_MAX)
    for (const line of lines) {
      const value = this.#read(line)
      if (value === undefined) continue
      this.#settle(value)
      return
    }
  }

  #settle(value: T | undefined): void {
    this.#resolve?.(value)
    this.#resolve = undefined
  }
}
