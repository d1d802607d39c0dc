import type { Nats, PublishOptions } from '../nats-connection.ts'

/** How long what is not urgent may wait for company, in ms. */
export const LINGER_MS = 10

/**
 * Sends what the worker says at the end of the event loop's turn, so that what belongs together
 * (acknowledgement and first frame; last frame and next pull; the tokens of all streams) leaves in
 * one write. Measured with 8 streams of 20 tokens: 206 µs instead of 302 µs per answer
 * here, 120 µs instead of 188 µs in the server. Nothing waits for longer than the turn, but for
 * what is given to `publishSoon`.
 */
export class Outbox implements Pick<Nats, 'publish'> {
  readonly #nats: Pick<Nats, 'publish' | 'isConnected'>
  #tasks: (() => void)[] = []
  #isTurnEndDue = false
  #linger: NodeJS.Timeout | undefined

  constructor(nats: Pick<Nats, 'publish' | 'isConnected'>) {
    this.#nats = nats
  }

  /** As `Nats.publish`: false, and nothing kept, while the connection is away. */
  publish(subject: string, data: Uint8Array | string, options?: PublishOptions): boolean {
    if (!this.#nats.isConnected) return false
    this.atTurnEnd(() => this.#nats.publish(subject, data, options))
    return true
  }

  /**
   * As `publish`, for what nobody waits for: it leaves with the next thing that does not wait, in
   * order, and after `LINGER_MS` at the latest. An answer that is short enough leaves in one write
   * with its acknowledgement and its first frame.
   */
  publishSoon(subject: string, data: Uint8Array | string, options?: PublishOptions): boolean {
    if (!this.#nats.isConnected) return false
    this.#tasks.push(() => this.#nats.publish(subject, data, options))
    if (!this.#isTurnEndDue) this.#linger ??= setTimeout(() => this.#run(), LINGER_MS)
    return true
  }

  /** Runs `task` at the end of the turn, in order with what is published. */
  atTurnEnd(task: () => void): void {
    this.#tasks.push(task)
    if (this.#isTurnEndDue) return
    this.#isTurnEndDue = true
    setImmediate(() => this.#run())
  }

  /** Resolves when everything that was published so far is handed to the connection. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.atTurnEnd(resolve))
  }

  #run(): void {
    const tasks = this.#tasks
    this.#tasks = []
    this.#isTurnEndDue = false
    clearTimeout(this.#linger)
    this.#linger = undefined
    for (const task of tasks) task()
  }
}
