// The gateway's door to a region: one ingress, reached by undici over mutual TLS.

import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { PeerCertificate } from 'node:tls'
import { Client, Pool } from 'undici'
import { decodeIdentity } from '#wire/identity.ts'
import { decodeLoadReport, type LoadReport, REPORT_BYTES_MAX } from '#wire/load-report.ts'
import {
  encodeWorkHead,
  HEALTH_PATH,
  MODELS_PATH,
  WORK_PATH,
  type WorkHead,
} from '#wire/region-api.ts'
import { encodeWireRange, WIRE } from '#wire/version.ts'
import { Attempt, type AttemptEvents, type PhaseLimits } from './attempt.ts'
import { farLimitMs } from './far-limits.ts'
import { askShort, type ShortAnswer, type ShortQuestion } from './short-answer.ts'

export interface RegionClientOptions {
  readonly regionId: string
  /** `https://host:port` of one ingress. */
  readonly origin: string
  /** PEM texts: our identity, and the authority that the region's must come from. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly trustDomain: string
  readonly connectionsMax: number
  readonly phaseLimits: PhaseLimits
}

export type ProbeOutcome =
  | { readonly kind: 'passed'; readonly report: LoadReport; readonly rttMs: number }
  | { readonly kind: 'failed'; readonly reason: string }

/** How a probe is to be made. */
export interface ProbeQuestion {
  readonly timeoutMs: number
  /** `new`: on a connection of its own, which shows what a kept one hides. */
  readonly connection: 'warm' | 'new'
  readonly nowMs: () => number
}

/** The largest list of models that is read, in bytes. */
const MODELS_BYTES_MAX = 4_194_304
/** The part of a body that is handed to the connection at once, in bytes. */
const SEND_BYTES = 65_536
const QUESTION_HEADERS = ['meridian-wire', encodeWireRange(WIRE)]
/** Below the ingress's own, so that no request is written to a connection that it is closing. */
const KEEP_ALIVE_MS = 4_000
/**
 * Fast probes do not wait for one another: at one each 300 ms, 7 connections are on their way
 * before the first of them is given up after 2 s. One is left for the list of models.
 */
const PROBE_CONNECTIONS_MAX = 8

export class RegionClient implements AsyncDisposable {
  readonly origin: string
  readonly #options: RegionClientOptions
  readonly #work: Pool
  /** Probes have connections of their own: they must not wait behind the work that they watch. */
  readonly #probes: Pool
  readonly #newConnection: () => Client
  readonly #ownConnections = new Set<Client>()
  /** Of the last good probe. */
  #rttMs: number | undefined

  constructor(options: RegionClientOptions) {
    this.origin = options.origin
    this.#options = options
    const shared = {
      connect: connectOptions(options),
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      strictContentLength: true,
    }
    this.#work = new Pool(options.origin, {
      ...shared,
      connections: options.connectionsMax,
      headersTimeout: 0, // Every phase has a timer of our own (`attempt.ts`).
      bodyTimeout: 0,
    })
    const short = {
      ...shared,
      headersTimeout: 0, // Every question has a timer of its own (`short-answer.ts`).
      bodyTimeout: 0,
    }
    this.#probes = new Pool(options.origin, { ...short, connections: PROBE_CONNECTIONS_MAX })
    this.#newConnection = () => new Client(options.origin, short)
  }

  /** Sends work. The returned attempt has begun already and ends by itself. */
  attempt(head: WorkHead, body: string | Buffer, events: AttemptEvents): Attempt {
    const attempt = new Attempt(events, limitsAt(this.#options.phaseLimits, this.#rttMs))
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const headers = encodeWorkHead(head)
    headers.push('content-length', String(bytes.length))
    this.#work.dispatch({ path: WORK_PATH, method: 'POST', headers, body: bodyOf(bytes) }, attempt)
    return attempt
  }

  /**
   * Asks for the load report and checks that it is this region's own and not an old one. Whatever
   * goes wrong is a failed probe; never throws. The round trip is that of the question alone, also
   * where a connection had to be made for it. Probes do not wait for one another.
   */
  async probe({ timeoutMs, connection, nowMs }: ProbeQuestion): Promise<ProbeOutcome> {
    const nonce = randomBytes(8).toString('hex')
    const question = {
      path: `${HEALTH_PATH}?nonce=${nonce}`,
      headers: QUESTION_HEADERS,
      timeoutMs,
      bytesMax: REPORT_BYTES_MAX,
      nowMs,
    }
    try {
      const { text, roundTripMs } =
        connection === 'new'
          ? await this.#askOnItsOwn(question)
          : await askShort(this.#probes, question)
      const decoded = decodeLoadReport(text)
      if (decoded.kind === 'problem') return failed(`report: ${decoded.path}`)
      const { report } = decoded
      if (report.nonce !== nonce) return failed('report: nonce')
      if (report.region !== this.#options.regionId) return failed('report: region')
      this.#rttMs = roundTripMs
      return { kind: 'passed', report, rttMs: roundTripMs }
    } catch (error) {
      return failed(reasonOf(error))
    }
  }

  /**
   * The region's models as entries of Ollama's `/api/tags`. @throws when there is no good answer.
   */
  async fetchModels(timeoutMs: number): Promise<Record<string, unknown>[]> {
    const { text } = await askShort(this.#probes, {
      path: MODELS_PATH,
      headers: QUESTION_HEADERS,
      timeoutMs,
      bytesMax: MODELS_BYTES_MAX,
      nowMs: () => 0, // Nobody asks how long it took.
    })
    const value: unknown = JSON.parse(text)
    const models = (value as { models?: unknown } | null)?.models
    if (!Array.isArray(models)) throw new Error('models: not a list')
    return models.filter((model) => typeof model === 'object' && model !== null)
  }

  /** Ends connections at once; running attempts fail. May be called twice. */
  async close(): Promise<void> {
    const own = [...this.#ownConnections].map((connection) => connection.destroy())
    await Promise.all([this.#work.destroy(), this.#probes.destroy(), ...own])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #askOnItsOwn(question: ShortQuestion): Promise<ShortAnswer> {
    const connection = this.#newConnection()
    this.#ownConnections.add(connection)
    try {
      return await askShort(connection, question)
    } finally {
      this.#ownConnections.delete(connection)
      await connection.destroy()
    }
  }
}

/**
 * The limits of the phases that a far region cannot meet in the time that is enough for a near one.
 */
function limitsAt(limits: PhaseLimits, rttMs: number | undefined): PhaseLimits {
  return {
    ...limits,
    connectTimeoutMs: farLimitMs(limits.connectTimeoutMs, 3, rttMs),
    sendTimeoutMs: farLimitMs(limits.sendTimeoutMs, 2, rttMs),
    acceptTimeoutMs: farLimitMs(limits.acceptTimeoutMs, 2, rttMs),
  }
}

/**
 * A long body goes in parts, because undici says of each part when the connection has taken it, and
 * the time limit of sending is about progress. In one piece it would count as sent at once.
 */
function bodyOf(bytes: Buffer): Buffer | Readable {
  return bytes.length <= SEND_BYTES ? bytes : Readable.from(partsOf(bytes))
}

function* partsOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SEND_BYTES) yield bytes.subarray(at, at + SEND_BYTES)
}

function failed(reason: string): ProbeOutcome {
  return { kind: 'failed', reason }
}

/** In few words, for the operator. A name of several addresses fails with an error without text. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return error.message === '' ? (code ?? error.name) : error.message
}

function connectOptions({ tls, trustDomain, regionId }: RegionClientOptions) {
  return {
    ...tls,
    minVersion: 'TLSv1.3' as const,
    timeout: 2_000,
    // A resumed session skips the check below; full handshakes are rare on kept connections.
    maxCachedSessions: 0,
    // Replaces the check of the host's name on purpose: role and region are what counts.
    checkServerIdentity: (_host: string, certificate: PeerCertificate): Error | undefined => {
      const peer = decodeIdentity(certificate.subjectaltname, trustDomain)
      if (peer?.role === 'ingress' && peer.region === regionId) return undefined
      return new Error(`peer is not the ingress of ${regionId}`)
    },
  }
}
