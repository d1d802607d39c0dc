import type { Nats, PublishOptions } from '../nats-connection.ts'

/**
 * Sends what the worker says at the end of the event loop's turn, so that what belongs together
 * (acknowledgement and first frame; last frame and next pull; the tokens of all streams) leaves in
 * one write. Measured with 8 streams of 20 tokens: 206 µs instead of 302 µs per answer
 * here, 120 µs instead of 188 µs in the server. Nothing waits for longer than the turn.
 */
export class Outbox implements Pick<Nats, 'publish'> {
  readonly #nats: Pick<Nats, 'publish' | 'isConnected'>
  #tasks: (() => void)[] = []

  constructor(nats: Pick<Nats, 'publish' | 'isConnected'>) {
    this.#nats = nats
  }

  /** As `Nats.publish`: false, and nothing kept, while the connection is away. */
  publish(subject: string, data: Uint8Array | string, options?: PublishOptions): boolean {
    if (!this.#nats.isConnected) return false
    this.atTurnEnd(() => this.#nats.publish(subject, data, options))
    return true
  }

  /** Runs `task` at the end of the turn, in order with what is published. */
  atTurnEnd(task: () => void): void {
    if (this.#tasks.length === 0) setImmediate(() => this.#run())
    this.#tasks.push(task)
  }

  /** Resolves when everything that was published so far is handed to the connection. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.atTurnEnd(resolve))
  }

  #run(): void {
    const tasks = this.#tasks
    this.#tasks = []
    for (const task of tasks) task()
  }
}
