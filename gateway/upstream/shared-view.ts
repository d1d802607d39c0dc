// What several gateways tell each other through Redis: that they live, what they think of each
// region, and what operators said. Nothing here decides where a request goes, and no request waits
// for it: a gateway that is alone with what it knows serves its clients all the same.
//
// Drains are looked up twice a second and not announced on a channel: one way to learn of them
// instead of two, and the one that also works after a loss.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { type AgreedView, agreedViews, NO_VIEWS, type SharedViews } from './agreed-views.ts'
import type { BreakerLimits } from './command-breaker.ts'
import { type RedisAddress, showRedisAddress } from './redis-address.ts'
import { type RedisConnection, RedisLine } from './redis-line.ts'
import { type RedisCommand, type RedisReply, refusalIn, valueIn } from './redis-replies.ts'
import { compareDrains, type Drains, drainedIn, nextDrain } from './shared-drains.ts'
import {
  auditCommand,
  indexCommand,
  lookCommands,
  type OwnView,
  publishCommands,
  readAudit,
  readIndex,
  readLook,
  readViews,
  tellCommand,
  viewsCommands,
  writeDownCommands,
} from './shared-view-commands.ts'
import {
  type DrainAudit,
  isGatewayId,
  isRegionId,
  operatorName,
  type SharedKeys,
  sharedKeys,
} from './shared-view-records.ts'

export interface SharedViewOptions extends BreakerLimits {
  readonly address: RedisAddress
  /** PEM text of the authority of a `rediss://` address; `undefined` = those that Node knows. */
  readonly ca?: string
  /** A different one for each gateway. */
  readonly gatewayId: string
  /** All regions of the file, from 1 to 200: others are neither published nor read. */
  readonly regionIds: readonly string[]
  /** The clock of `sinceMs` in the views. */
  readonly nowMs: () => number
  /** The clock by which an operator's words are ordered. */
  readonly wallClockMs: () => number
  readonly onEvent: (event: SharedViewEvent) => void
  /** Of all keys; the user of this gateway need see no others. */
  readonly keyPrefix: string
  /** How long a sign of life and a view hold. The same for all gateways. */
  readonly ttlMs: number
  readonly pollEveryMs: number
  /** What a caller waits at most, whatever goes on behind it. */
  readonly waitMsMax: number
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
}

/** What `openSharedView` takes for what it is not told. */
export const SHARED_VIEW_DEFAULTS = Object.freeze({
  keyPrefix: 'meridian:',
  ttlMs: 5_000,
  pollEveryMs: 500, // A drain is to be known everywhere within a second, one lost look included.
  waitMsMax: 150,
  commandTimeoutMs: 100,
  connectTimeoutMs: 500,
  unansweredMax: 3,
  restMs: 1_000,
  restMsMax: 30_000,
  onEvent: () => {},
}) satisfies Partial<SharedViewOptions>

/** What an operator should hear of: sharing works again, or does not and why. */
export type SharedViewEvent =
  | { readonly kind: 'up' }
  | { readonly kind: 'away'; readonly problem: string }

/**
 * `shared`: Redis has it, and all gateways will within a second. `held`: it is in force here, and
 * is written as soon as Redis can be reached; a restart before that loses it.
 */
export type DrainOutcome = 'shared' | 'held' | 'no-such-region'

/** No method ever rejects. */
export interface SharedView extends AsyncDisposable {
  /** Whether all that was asked last was answered and carried out. */
  readonly isUp: boolean
  /** Why it is not up; `undefined` when it is. */
  readonly problem: string | undefined
  /**
   * Gives a sign of life, and says what is thought of each region. To be called each second, with
   * the first round of probes over: what nobody found out yet must not become anybody's prior.
   */
  publishViews(views: readonly OwnView[]): Promise<void>
  /** The views of all live gateways, this one included; none when they cannot be had in time. */
  views(): Promise<SharedViews>
  /** What most of the other gateways think of each region; nothing when nobody says in time. */
  prior(): Promise<ReadonlyMap<string, AgreedView>>
  /** This gateway, and the others that give signs of life; the last known while Redis is away. */
  liveGateways(): number
  /** Takes an operator's word on a region, from now on. */
  setDrain(regionId: string, word: { isDrained: boolean; by: string }): Promise<DrainOutcome>
  /** The regions that operators drain, by id; the last known while Redis is away. */
  drains(): Drains
  /** Calls when other regions are drained than before, by whomever. Returns what ends that. */
  onDrainsChange(handler: (drains: Drains) => void): () => void
  /** The newest words of operators, newest first, 100 at most; none when they cannot be had. */
  drainAudit(): Promise<readonly DrainAudit[]>
  /** Ends it; what is published vanishes with its time. May be called twice. */
  close(): Promise<void>
}

/**
 * Begins to share. Resolves when drains are known, or when that takes too long; never fails for a
 * Redis that is away.
 */
export async function openSharedView(
  options: Partial<SharedViewOptions> &
    Omit<SharedViewOptions, keyof typeof SHARED_VIEW_DEFAULTS | 'ca'>,
): Promise<SharedView> {
  const view = new RedisSharedView({ ...SHARED_VIEW_DEFAULTS, ...options })
  await view.open()
  return view
}

/** Words of operators that wait to be written to the record; the oldest go first. */
const WORDS_WAITING_MAX = 100

const REFUSAL_CHARS_MAX = 200
/** How long the end of a connection waits for the other side: a frozen one never says goodbye. */
const GOODBYE_MS_MAX = 100

/** What is done again and again, since each may be refused for a reason of its own. */
type Matter = 'look' | 'drains' | 'tell' | 'audit' | 'publish' | 'twin'

class RedisSharedView implements SharedView {
  readonly #options: SharedViewOptions
  readonly #keys: SharedKeys
  readonly #line: RedisLine
  readonly #instance = randomUUID()
  readonly #complaints = new Map<Matter, string>()
  readonly #handlers = new Set<(drains: Drains) => void>()
  #announced: { readonly problem: string | undefined } | undefined
  #known: Drains = new Map()
  #drained: Drains = new Map()
  #words: readonly DrainAudit[] = []
  #others: readonly string[] = []
  #live = 1
  #hasPublished = false
  #running: Promise<boolean> = Promise.resolve(false)
  #waiting: Promise<boolean> | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: SharedViewOptions) {
    const { address, ca, gatewayId, regionIds, keyPrefix, nowMs } = options
    assert(isGatewayId(gatewayId), `no id of a gateway: ${gatewayId}`)
    assert(regionIds.length > 0 && regionIds.every(isRegionId), 'want regions with valid ids')
    this.#options = options
    this.#keys = sharedKeys(keyPrefix)
    this.#line = new RedisLine({
      connect: () => connectRedis(address, ca, options),
      limits: options,
      nowMs,
    })
  }

  get isUp(): boolean {
    return this.problem === undefined
  }

  get problem(): string | undefined {
    const { silence } = this.#line
    if (silence !== undefined) return `${showRedisAddress(this.#options.address)}: ${silence}`
    const [complaint] = this.#complaints.values()
    return complaint
  }

  async open(): Promise<void> {
    // Twice: only after the first look it is known whom to look for.
    const looked = this.#refresh().then(() => this.#refresh())
    await this.#inTime(looked, false)
    this.#timer = setInterval(() => void this.#refresh(), this.#options.pollEveryMs).unref()
  }

  async publishViews(views: readonly OwnView[]): Promise<void> {
    // What is asked in doubt is a look: a frozen Redis carries out old writings when it wakes.
    if (!this.#line.isTrusted) return
    const { gatewayId, regionIds, ttlMs, nowMs, wallClockMs } = this.#options
    const replies = await this.#ask(
      publishCommands(this.#keys, {
        gatewayId,
        instance: this.#instance,
        views: views.filter(({ regionId }) => regionIds.includes(regionId)),
        ttlMs,
        nowMs: nowMs(),
        wallClockMs: wallClockMs(),
      }),
    )
    if (replies === undefined) return
    this.#complain('publish', refusalIn(replies))
    // The first sign may meet one from before a restart; later there is only ours, or nobody's.
    const last = valueIn(replies[0]) ?? this.#instance
    const isTwin = this.#hasPublished && last !== this.#instance
    this.#complain('twin', isTwin ? `another gateway has the id ${gatewayId}, too` : undefined)
    this.#hasPublished = true
  }

  views(): Promise<SharedViews> {
    return this.#inTime(this.#readViews(), NO_VIEWS)
  }

  async prior(): Promise<ReadonlyMap<string, AgreedView>> {
    return agreedViews(await this.views(), this.#options.gatewayId)
  }

  liveGateways(): number {
    return this.#live
  }

  async setDrain(
    regionId: string,
    { isDrained, by }: { isDrained: boolean; by: string },
  ): Promise<DrainOutcome> {
    const { gatewayId, regionIds, wallClockMs } = this.#options
    if (!regionIds.includes(regionId)) return 'no-such-region'
    const word = { isDrained, by: operatorName(by) }
    const drain = nextDrain(this.#known.get(regionId), word, wallClockMs())
    this.#words = [...this.#words, { ...drain, regionId, gatewayId }].slice(-WORDS_WAITING_MAX)
    this.#learn(new Map([[regionId, drain]]))
    return (await this.#inTime(this.#refresh(), false)) ? 'shared' : 'held'
  }

  drains(): Drains {
    return this.#drained
  }

  onDrainsChange(handler: (drains: Drains) => void): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  async drainAudit(): Promise<readonly DrainAudit[]> {
    const replies = await this.#inTime(this.#ask([auditCommand(this.#keys)]), undefined)
    return readAudit(replies?.[0], this.#options.wallClockMs())
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await this.#line.close()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Resolves when what is known here and what is known there were exchanged; with `true` when there
   * everything is known now. At most one exchange runs and one waits.
   */
  #refresh(): Promise<boolean> {
    this.#waiting ??= this.#running.then(() => {
      this.#waiting = undefined
      return this.#exchange()
    })
    this.#running = this.#waiting
    return this.#waiting
  }

  async #exchange(): Promise<boolean> {
    const drains = await this.#look()
    if (drains === undefined) return false
    const { heard, untold } = compareDrains(this.#known, drains)
    this.#learn(heard)
    const isTold = await this.#tell(untold)
    await this.#writeDown()
    return isTold
  }

  /** Sees who lives, and returns the drains that were read; `undefined` = they could not be. */
  async #look(): Promise<Drains | undefined> {
    const { gatewayId, regionIds, wallClockMs } = this.#options
    const others = this.#others
    const replies = await this.#ask(lookCommands(this.#keys, { regionIds, others }))
    if (replies === undefined) return undefined
    const look = readLook(replies, { regionIds, wallClockMs: wallClockMs() })
    const { gatewayIds = others, unreadable } = look
    this.#others = gatewayIds.filter((id) => id !== gatewayId)
    this.#live = 1 + look.alive
    const [first] = unreadable
    this.#complain('look', refusalIn(replies))
    this.#complain('drains', first && `the drain of ${first} cannot be read`)
    return look.drains
  }

  async #tell(drains: Drains): Promise<boolean> {
    const replies = drains.size === 0 ? [] : await this.#ask([tellCommand(this.#keys, drains)])
    if (replies === undefined) return false
    const refusal = refusalIn(replies)
    this.#complain('tell', refusal)
    return refusal === undefined
  }

  async #writeDown(): Promise<void> {
    const words = this.#words
    const replies = words.length === 0 ? [] : await this.#ask(writeDownCommands(this.#keys, words))
    if (replies === undefined) return
    const refusal = refusalIn(replies)
    this.#complain('audit', refusal)
    if (refusal === undefined) this.#words = this.#words.filter((word) => !words.includes(word))
  }

  #learn(drains: Drains): void {
    if (drains.size === 0) return
    this.#known = new Map([...this.#known, ...drains])
    const before = this.#drained
    this.#drained = drainedIn(this.#known)
    const isSame =
      before.size === this.#drained.size && [...before.keys()].every((id) => this.#drained.has(id))
    if (isSame) return
    for (const handler of this.#handlers) handler(this.#drained)
  }

  async #readViews(): Promise<SharedViews> {
    const { regionIds, ttlMs } = this.#options
    const index = await this.#ask([indexCommand(this.#keys)])
    const asked = { gatewayIds: readIndex(index?.[0]), regionIds }
    if (asked.gatewayIds.length === 0) return NO_VIEWS
    const replies = await this.#ask(viewsCommands(this.#keys, asked))
    return replies === undefined ? NO_VIEWS : readViews(replies, { ...asked, ttlMs })
  }

  async #ask(commands: readonly RedisCommand[]): Promise<readonly RedisReply[] | undefined> {
    const replies = await this.#line.ask(commands)
    this.#announce()
    return replies
  }

  #complain(matter: Matter, complaint: string | undefined): void {
    if (complaint === undefined) this.#complaints.delete(matter)
    else this.#complaints.set(matter, complaint)
    this.#announce()
  }

  /** Says only what is not what it said last. */
  #announce(): void {
    const { problem } = this
    if (this.#isClosed || (this.#announced !== undefined && this.#announced.problem === problem)) {
      return
    }
    this.#announced = { problem }
    this.#options.onEvent(problem === undefined ? { kind: 'up' } : { kind: 'away', problem })
  }

  /** Resolves with the work, which never fails, or with something else when it takes too long. */
  async #inTime<Value>(work: Promise<Value>, otherwise: Value): Promise<Value> {
    const { promise: tooLate, resolve } = Promise.withResolvers<Value>()
    const timer = setTimeout(() => resolve(otherwise), this.#options.waitMsMax)
    try {
      return await Promise.race([work, tooLate])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Opens one connection that is never mended: the line makes another when it is time. */
async function connectRedis(
  address: RedisAddress,
  ca: string | undefined,
  limits: Pick<SharedViewOptions, 'commandTimeoutMs' | 'connectTimeoutMs'>,
): Promise<RedisConnection> {
  const redis = new Redis({
    host: address.host,
    port: address.port,
    username: address.username,
    password: address.password,
    db: address.database,
    tls: address.tls ? { ca, minVersion: 'TLSv1.2', rejectUnauthorized: true } : undefined,
    protocol: 2, // Nothing of 3 is used, and without HELLO it works through every proxy.
    connectTimeout: limits.connectTimeoutMs,
    commandTimeout: limits.commandTimeoutMs,
    disconnectTimeout: GOODBYE_MS_MAX,
    keepAlive: 10_000,
    noDelay: true,
    lazyConnect: true,
    retryStrategy: null, // When to try again is for the breaker to say, and for nobody else.
    reconnectOnError: null,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false, // What was to be said a second ago is old.
    autoResubscribe: false,
    enableAutoPipelining: false,
    enableReadyCheck: false, // It is INFO, which our user may not use; LOADING is a refusal.
    disableClientInfo: true,
    keyPrefix: '',
  })
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<void>()
  redis.once('end', onEnd)
  let reason: unknown
  redis.on('error', (error) => {
    reason ??= error
  })
  try {
    await redis.connect()
  } catch (error) {
    throw reason ?? error // The error of `connect` says only that it is closed.
  }
  if (reason !== undefined) {
    // A database that there is not is no reason for ioredis to give up: it would go on with 0.
    redis.disconnect()
    await ended
    throw reason
  }
  return {
    get isOpen() {
      return redis.status === 'ready'
    },
    exchange: async (commands) => {
      const results = await redis.pipeline(commands.map((command) => [...command])).exec()
      assert(results !== null && results.length === commands.length)
      return results.map(([error, value]) => replyOf(error, value))
    },
    close: () => {
      if (redis.status !== 'end') redis.disconnect()
      return ended
    },
  }
}

/** @throws {Error} what kept a reply from coming. */
function replyOf(error: Error | null, value: unknown): RedisReply {
  if (error === null) return { kind: 'value', value }
  if (error.name !== 'ReplyError') throw error
  return { kind: 'refusal', message: error.message.slice(0, REFUSAL_CHARS_MAX) }
}
