// The line to a Redis that may be slow, gone, or back and empty. It has one connection at a time,
// made when somebody asks, and thrown away when the breaker rests: what a frozen Redis has in its
// buffers it carries out when it wakes, so nothing more is put there.

import {
  afterAnswer,
  afterQuestion,
  afterSilence,
  type BreakerLimits,
  type CommandBreaker,
  mayAsk,
  NEW_BREAKER,
} from './command-breaker.ts'
import type { RedisCommand, RedisReply } from './redis-replies.ts'

export interface RedisConnection {
  readonly isOpen: boolean
  /**
   * Sends commands at once, and resolves with a reply to each. @throws {Error} if one is missing.
   */
  exchange(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]>
  /** Ends it at once; resolves when its socket is gone. May be called twice. */
  close(): Promise<void>
}

export interface RedisLineOptions {
  /** Opens a connection within a limit of its own. @throws {Error} saying why it cannot. */
  readonly connect: () => Promise<RedisConnection>
  readonly limits: BreakerLimits
  readonly nowMs: () => number
}

/** Asks, and never fails. Whoever makes it closes it. */
export class RedisLine {
  readonly #options: RedisLineOptions
  readonly #closing = new Set<Promise<void>>()
  #breaker: CommandBreaker = NEW_BREAKER
  #connecting: Promise<RedisConnection> | undefined
  #connection: RedisConnection | undefined
  #silence: string | undefined = 'nothing was asked yet'
  #isClosed = false

  constructor(options: RedisLineOptions) {
    this.#options = options
  }

  /** Why the last question was not answered; `undefined` when it was. */
  get silence(): string | undefined {
    return this.#silence
  }

  /**
   * Whether there is no doubt that somebody answers, so that what is asked need not be harmless.
   */
  get isTrusted(): boolean {
    return this.#breaker.kind === 'asking'
  }

  /**
   * Sends commands in one round trip and resolves with a reply to each; `undefined` when they were
   * not answered in time, and at once while the line rests. They may have been carried out then.
   */
  async ask(commands: readonly RedisCommand[]): Promise<readonly RedisReply[] | undefined> {
    const { nowMs } = this.#options
    if (this.#isClosed || !mayAsk(this.#breaker, nowMs())) return undefined
    this.#breaker = afterQuestion(this.#breaker)
    try {
      const connection = await this.#connected()
      const replies = await connection.exchange(commands)
      this.#breaker = afterAnswer()
      this.#silence = undefined
      return replies
    } catch (error) {
      this.#onSilence(reasonOf(error))
      return undefined
    }
  }

  /** Ends the connection, and with it what is being asked. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#connecting?.then(
      (connection) => connection.close(),
      () => undefined,
    )
    this.#drop()
    await Promise.all(this.#closing)
  }

  /** Everybody who asks meanwhile waits for the same connection. */
  async #connected(): Promise<RedisConnection> {
    if (this.#connection?.isOpen) return this.#connection
    this.#connecting ??= this.#options.connect().finally(() => {
      this.#connecting = undefined
    })
    this.#connection = await this.#connecting
    return this.#connection
  }

  #onSilence(reason: string): void {
    if (this.#breaker.kind === 'resting') return // What ended with the connection is no news.
    this.#silence = reason
    this.#breaker = afterSilence(this.#breaker, this.#options.nowMs(), this.#options.limits)
    if (!this.isTrusted) this.#drop()
  }

  #drop(): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    const closing = connection.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

const REASON_CHARS_MAX = 200

/** Says it in the library's words. An error of several addresses at once has only a code. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason'
  const message = error instanceof Error ? error.message : String(error)
  return (message || code).slice(0, REASON_CHARS_MAX)
}
