// The one door to the package `nats`: its types, errors and quirks stop here. Beyond it there are
// subjects, bytes and the few words below, so that the `@nats-io/*` packages can take its place.

import { readFile } from 'node:fs/promises'
import {
  type ConnectionOptions,
  type ConsumerConfig,
  connect,
  ErrorCode,
  type JetStreamManager,
  type Msg,
  type NatsConnection,
  NatsError,
  headers as natsHeaders,
  type StreamConfig,
} from 'nats'
import { type ConsumerPlan, differenceOf, type StreamPlan } from '#wire/streams.ts'

export interface NatsOptions {
  readonly url: string
  /** Shown in the server's list of connections. */
  readonly name: string
  /** Prefix of every inbox that this process subscribes to; permissions hang on it. */
  readonly inboxPrefix: string
  readonly user?: string
  readonly passwordFile?: string
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

export interface NatsMessage {
  readonly subject: string
  readonly data: Uint8Array
  /** Subject to answer to, or to acknowledge on; '' when there is none. */
  readonly reply: string
  /** Value of a header, '' when absent. */
  header(name: string): string
  /** Status of a message that is only a status (503 no responders, 408, 409 …); 0 for others. */
  readonly status: number
}

export interface PublishOptions {
  readonly reply?: string
  readonly headers?: readonly (readonly [string, string])[]
}

export interface Nats {
  /** False from the moment the connection is lost until it is back. */
  readonly isConnected: boolean
  readonly serverVersion: string
  /** The largest message that the server takes, headers included, in bytes. */
  readonly payloadBytesMax: number
  /**
   * Sends, and does not wait. While the connection is away nothing is kept for later: late work is
   * worse than lost work, whose sender can act. Returns whether it was handed to the connection.
   */
  publish(subject: string, data: Uint8Array | string, options?: PublishOptions): boolean
  /** Calls `handle` for each message until the returned function is called. Survives reconnects. */
  subscribe(subject: string, handle: (message: NatsMessage) => void): () => void
  /**
   * Creates the stream if absent. @throws {PlanDifference} when it exists and differs;
   * {NatsUnavailable} when the server gives no answer.
   */
  ensureStream(plan: StreamPlan): Promise<void>
  /** As `ensureStream`, for a consumer of `stream`. */
  ensureConsumer(stream: string, plan: ConsumerPlan): Promise<void>
  /** Deletes one message. False when it is not there any more, as after an acknowledgement. */
  deleteMessage(stream: string, seq: number): Promise<boolean>
  /** Calls `handle` with each loss and return of the connection. */
  onConnectionChange(handle: (isConnected: boolean) => void): void
  /** Sends what is written and closes. May be called twice. */
  close(): Promise<void>
}

/** A stream or consumer that exists with another setting than planned. */
export class PlanDifference extends Error {
  override readonly name = 'PlanDifference'

  constructor(what: string, field: string, wanted: unknown, actual: unknown) {
    super(
      `${what} exists with ${field} = ${JSON.stringify(actual)}, wanted ${JSON.stringify(wanted)}`,
    )
  }
}

/** The server did not do what was asked and may do so later. */
export class NatsUnavailable extends Error {
  override readonly name = 'NatsUnavailable'
}

/** How long one call to JetStream's API may take, in ms. */
const API_TIMEOUT_MS = 2_000
const ERR_CODE_NO_SUCH_STREAM = 10059
const ERR_CODE_NO_SUCH_CONSUMER = 10014
const ERR_CODE_NO_SUCH_MESSAGE = 10037
const ERR_CODE_DELETE_FAILED = 10043

/**
 * Connects and returns when the first connection stands; waits for the server as long as it takes.
 * Whoever calls closes.
 */
export async function connectNats(options: NatsOptions): Promise<Nats> {
  const connection = await connect(await connectionOptions(options))
  const manager = await connection.jetstreamManager({ checkAPI: false, timeout: API_TIMEOUT_MS })
  return new DoorNats(connection, manager)
}

async function connectionOptions(options: NatsOptions): Promise<ConnectionOptions> {
  const { user, passwordFile, caFile, certFile, keyFile } = options
  const pass = passwordFile === undefined ? undefined : await readFile(passwordFile, 'utf8')
  return {
    servers: options.url,
    name: options.name,
    inboxPrefix: options.inboxPrefix,
    timeout: 2_000, // To connect once.
    reconnect: true,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1, // For ever: a region without NATS has nothing better to do.
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    noAsyncTraces: true, // Stack traces of every call cost CPU and tell little here.
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass: pass.trim() }),
    ...(caFile === undefined
      ? {}
      : {
          tls: {
            caFile,
            ...(certFile === undefined ? {} : { certFile }),
            ...(keyFile === undefined ? {} : { keyFile }),
          },
        }),
  }
}

class DoorNats implements Nats {
  readonly #connection: NatsConnection
  readonly #manager: JetStreamManager
  readonly #listeners: ((isConnected: boolean) => void)[] = []
  #isConnected = true

  constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection
    this.#manager = manager
    void this.#watch()
    void connection.closed().then(() => this.#turn(false))
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  get serverVersion(): string {
    return this.#connection.info?.version ?? ''
  }

  get payloadBytesMax(): number {
    return this.#connection.info?.max_payload ?? 0
  }

  publish(subject: string, data: Uint8Array | string, options: PublishOptions = {}): boolean {
    // The client would keep it for after the reconnect.
    if (!this.#isConnected) return false
    const { reply, headers } = options
    try {
      this.#connection.publish(subject, data, {
        ...(reply === undefined ? {} : { reply }),
        ...(headers === undefined ? {} : { headers: toHeaders(headers) }),
      })
      return true
    } catch (error) {
      if (isClosing(error)) return false
      throw error
    }
  }

  subscribe(subject: string, handle: (message: NatsMessage) => void): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handle(new DoorMessage(message))
      },
    })
    return () => subscription.unsubscribe()
  }

  async ensureStream(plan: StreamPlan): Promise<void> {
    const config = plan as unknown as StreamConfig // Same fields; theirs are enums and mutable.
    const actual = await translateErrors(async () => {
      const found = await absentAs(ERR_CODE_NO_SUCH_STREAM, () =>
        this.#manager.streams.info(plan.name),
      )
      return found ?? (await this.#manager.streams.add(config))
    })
    refuseDifference(`stream ${plan.name}`, plan, { ...actual.config })
  }

  async ensureConsumer(stream: string, plan: ConsumerPlan): Promise<void> {
    const config = plan as unknown as ConsumerConfig
    const actual = await translateErrors(async () => {
      const found = await absentAs(ERR_CODE_NO_SUCH_CONSUMER, () =>
        this.#manager.consumers.info(stream, plan.durable_name),
      )
      return found ?? (await this.#manager.consumers.add(stream, config))
    })
    refuseDifference(`consumer ${stream}/${plan.durable_name}`, plan, { ...actual.config })
  }

  async deleteMessage(stream: string, seq: number): Promise<boolean> {
    return translateErrors(async () => {
      try {
        return await this.#manager.streams.deleteMessage(stream, seq, false)
      } catch (error) {
        const code = errCodeOf(error)
        if (code === ERR_CODE_NO_SUCH_MESSAGE || code === ERR_CODE_DELETE_FAILED) return false
        throw error
      }
    })
  }

  onConnectionChange(handle: (isConnected: boolean) => void): void {
    this.#listeners.push(handle)
  }

  async close(): Promise<void> {
    if (this.#connection.isClosed()) return
    // A connection that is away cannot be drained: it would wait for its return.
    if (this.#isConnected) await this.#connection.drain().catch(() => this.#connection.close())
    else await this.#connection.close()
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'disconnect') this.#turn(false)
      if (status.type === 'reconnect') this.#turn(true)
    }
  }

  #turn(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return
    this.#isConnected = isConnected
    for (const listener of this.#listeners) listener(isConnected)
  }
}

class DoorMessage implements NatsMessage {
  readonly #message: Msg

  constructor(message: Msg) {
    this.#message = message
  }

  get subject(): string {
    return this.#message.subject
  }

  get data(): Uint8Array {
    return this.#message.data
  }

  get reply(): string {
    return this.#message.reply ?? ''
  }

  get status(): number {
    return this.#message.headers?.code ?? 0
  }

  header(name: string): string {
    return this.#message.headers?.get(name) ?? ''
  }
}

function toHeaders(pairs: readonly (readonly [string, string])[]): ReturnType<typeof natsHeaders> {
  const headers = natsHeaders()
  for (const [name, value] of pairs) headers.set(name, value)
  return headers
}

function refuseDifference(what: string, plan: object, actual: Record<string, unknown>): void {
  const field = differenceOf(plan, actual)
  if (field === undefined) return
  throw new PlanDifference(what, field, (plan as Record<string, unknown>)[field], actual[field])
}

async function absentAs<T>(errCode: number, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (errCodeOf(error) === errCode) return undefined
    throw error
  }
}

async function translateErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new NatsUnavailable(error instanceof Error ? error.message : 'unknown', { cause: error })
  }
}

/** A connection that is being closed takes nothing any more, though it still stands. */
function isClosing(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false
  return error.code === ErrorCode.ConnectionDraining || error.code === ErrorCode.ConnectionClosed
}

function errCodeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined
}
