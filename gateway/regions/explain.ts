// pure
// Why a request went where it went, for whoever asks within the hour. Kept is what was known at the
// time, never worked out again later: by then the world is another one.

import type { WorkStarted } from '#wire/error-codes.ts'
import type { Priority } from '#wire/region-api.ts'
import { formatIpAddress, networkOf, parseIpAddress, unmapped } from '../downstream/ip-address.ts'
import type { Place } from '../place/locate.ts'
import type { AttemptPhase } from '../upstream/failures.ts'
import type { PaidBy } from '../upstream/retry-budget.ts'
import type { Decision, Refusal } from './decide.ts'
import type { DecisionOptions } from './decision-options.ts'
import type { Lane } from './region-facts.ts'
import type { ResidencyPolicy } from './residency.ts'
import { decodeRows, encodeRows, type KeptRows, type ShownRow } from './row-columns.ts'

/** What is known of a request before its first decision. */
export interface RouteInputs {
  readonly requestId: string
  /** ISO 8601. */
  readonly time: string
  /** When it came, on the monotonic clock: the attempts' times count from here. */
  readonly startedMs: number
  readonly gateway: string
  readonly gatewayTags: readonly string[]
  /** Only its network is kept. */
  readonly clientAddress: string | undefined
  readonly place: Place
  /** Build time of the database that gave the place, ISO 8601. */
  readonly databaseBuilt: string | undefined
  readonly tenant: string
  readonly model: string
  readonly lane: Lane
  readonly priority: Priority
  readonly residency: ResidencyPolicy
  readonly affinity: { readonly source: string; readonly hash: string } | undefined
}

/** One attempt as it goes on. `…Ms` are on the monotonic clock, absent until they are reached. */
export interface ExplainedAttempt {
  readonly regionId: string
  readonly startedMs: number
  readonly endpoint?: string
  readonly workerId?: string
  readonly hop?: 0 | 1
  readonly resumeBytes?: number
  readonly acceptedMs?: number
  readonly workerStartedMs?: number
  readonly firstContentMs?: number
  readonly endedMs?: number
  readonly outcome?: string
  /** The region's own word for what went wrong. */
  readonly code?: string
  readonly workStarted?: WorkStarted
  readonly paidBy?: PaidBy
  /** The phase in which it failed. */
  readonly failedIn?: AttemptPhase
}

/** One decision as it is shown. */
export interface ShownDecision {
  readonly mode: Decision['mode']
  readonly x: number
  readonly regionId: string | null
  readonly isTrial: boolean
  readonly isBrownOut: boolean
  readonly refusal: Refusal | null
  readonly regions: readonly ShownRow[]
}

/** An attempt as it is shown; times count from the request's arrival. */
export interface ShownAttempt {
  readonly region: string
  readonly endpoint: string | null
  readonly worker: string | null
  readonly hop: 0 | 1
  readonly resumeBytes: number
  readonly phases: Readonly<Record<ShownPhase, number | null>>
  readonly outcome: string | null
  readonly code: string | null
  readonly workStarted: WorkStarted | null
  readonly paidBy: PaidBy | null
}

type ShownPhase = 'startedMs' | 'acceptedMs' | 'workerStartedMs' | 'firstContentMs' | 'endedMs'

/**
 * The record of a request, fit for JSON: its inputs, the first decision and, where attempts failed,
 * the later ones.
 */
export interface RouteRecord {
  readonly requestId: string
  readonly time: string
  readonly gateway: string
  readonly gatewayTags: readonly string[]
  readonly client: {
    /** /24 or /48, `null` when the address is not known. */
    readonly network: string | null
    readonly country: string | null
    readonly lat: number
    readonly lon: number
    readonly radiusKm: number | null
    readonly source: Place['source']
    readonly databaseBuilt: string | null
  }
  readonly tenant: string
  readonly model: string
  readonly lane: Lane
  readonly priority: Priority
  readonly residency: ResidencyPolicy
  readonly affinity: { readonly source: string; readonly hash: string } | null
  readonly regions: readonly ShownRow[]
  readonly x: number | null
  readonly mode: Decision['mode'] | null
  readonly isTrial: boolean
  readonly isBrownOut: boolean
  readonly refusal: Refusal | null
  /** What the region of the last attempt costs above the cheapest that could serve at its best. */
  readonly detourMs: number | null
  readonly laterDecisions: readonly ShownDecision[]
  readonly attempts: readonly ShownAttempt[]
  /** Every region that was given the prompt, in the order of the attempts. */
  readonly receipt: readonly string[]
}

/** The open record of one request. */
export interface RouteTrace {
  /** To be called with every decision of the request, in their order. */
  onDecision(decision: Decision): void
}

/** More than a request can make; what comes beyond is dropped. */
const DECISIONS_MAX = 16

/**
 * The records of this gateway by request id: so many, so long, the oldest out first. Everything
 * takes the same time however full it is.
 */
export class ExplainLog {
  readonly #recordsMax: number
  readonly #ageMsMax: number
  /** A ring: `#next` is where the oldest one stands as soon as it is full. */
  readonly #ring: KeptRecord[] = []
  readonly #byId = new Map<string, KeptRecord>()
  #next = 0

  constructor(options: Pick<DecisionOptions, 'explainRecordsMax' | 'explainAgeMs'>) {
    this.#recordsMax = options.explainRecordsMax
    this.#ageMsMax = options.explainAgeMs
  }

  /** Records there are, those included that have grown too old to be shown. */
  get size(): number {
    return this.#byId.size
  }

  /**
   * Opens the record of a request. `attempts` is read when somebody asks, so it may grow. The same
   * id twice hides the older record.
   */
  open(inputs: RouteInputs, attempts: readonly ExplainedAttempt[], nowMs: number): RouteTrace {
    const record = new KeptRecord(inputs, attempts, nowMs)
    const oldest = this.#ring[this.#next]
    if (oldest !== undefined && this.#byId.get(oldest.requestId) === oldest) {
      this.#byId.delete(oldest.requestId)
    }
    this.#ring[this.#next] = record
    this.#next = (this.#next + 1) % this.#recordsMax
    this.#byId.set(record.requestId, record)
    return record
  }

  /** The record of a request, finished or not; `undefined` when there is none, or not any more. */
  get(requestId: string, nowMs: number): RouteRecord | undefined {
    const record = this.#byId.get(requestId)
    if (record === undefined || nowMs - record.openedMs > this.#ageMsMax) return undefined
    return record.show()
  }
}

interface KeptDecision extends Omit<ShownDecision, 'regions'> {
  readonly rows: KeptRows
}

class KeptRecord implements RouteTrace {
  readonly openedMs: number
  readonly #inputs: Omit<RouteInputs, 'clientAddress'>
  readonly #clientNetwork: string | null
  readonly #attempts: readonly ExplainedAttempt[]
  readonly #decisions: KeptDecision[] = []

  constructor(
    { clientAddress, ...inputs }: RouteInputs,
    attempts: readonly ExplainedAttempt[],
    openedMs: number,
  ) {
    this.openedMs = openedMs
    this.#inputs = inputs
    this.#clientNetwork = clientNetwork(clientAddress)
    this.#attempts = attempts
  }

  get requestId(): string {
    return this.#inputs.requestId
  }

  onDecision(decision: Decision): void {
    if (this.#decisions.length >= DECISIONS_MAX) return
    const { mode, x, isBrownOut } = decision
    const isRefused = mode === 'refused'
    this.#decisions.push({
      mode,
      x,
      isBrownOut,
      regionId: isRefused ? null : decision.regionId,
      isTrial: isRefused ? false : decision.isTrial,
      refusal: isRefused ? decision.refusal : null,
      rows: encodeRows(decision.rows()),
    })
  }

  show(): RouteRecord {
    const { requestId, time, gateway, gatewayTags, affinity } = this.#inputs
    const { tenant, model, lane, priority, residency } = this.#inputs
    const [first, ...laterDecisions] = this.#decisions.map(shownDecision)
    return {
      requestId,
      time,
      gateway,
      gatewayTags,
      client: this.#client(),
      tenant,
      model,
      lane,
      priority,
      residency,
      affinity: affinity ?? null,
      regions: first?.regions ?? [],
      x: first?.x ?? null,
      mode: first?.mode ?? null,
      isTrial: first?.isTrial ?? false,
      isBrownOut: first?.isBrownOut ?? false,
      refusal: first?.refusal ?? null,
      detourMs: detourMs(first?.regions ?? [], this.#attempts.at(-1)?.regionId),
      laterDecisions,
      attempts: this.#attempts.map((attempt) => shownAttempt(attempt, this.#inputs.startedMs)),
      receipt: receiptOf(this.#attempts),
    }
  }

  #client(): RouteRecord['client'] {
    const { place, databaseBuilt } = this.#inputs
    const { location, accuracyRadiusKm, countryIsoCode, source } = place
    return {
      network: this.#clientNetwork,
      country: countryIsoCode ?? null,
      lat: location.lat,
      lon: location.lon,
      radiusKm: Number.isFinite(accuracyRadiusKm) ? accuracyRadiusKm : null,
      source,
      databaseBuilt: databaseBuilt ?? null,
    }
  }
}

/** The network of an address: /24 of IPv4, /48 of IPv6; `null` for what is no address. */
export function clientNetwork(address: string | undefined): string | null {
  const bytes = address === undefined ? undefined : parseIpAddress(address)
  if (bytes === undefined) return null
  const plain = unmapped(bytes)
  const prefixBits = plain.length === 4 ? 24 : 48
  return `${formatIpAddress(networkOf(plain, prefixBits))}/${prefixBits}`
}

function shownDecision({ rows, ...decision }: KeptDecision): ShownDecision {
  return { ...decision, regions: decodeRows(rows) }
}

/** Rules by which a region could not serve this request however well it was. */
const NEVER_SERVES: readonly ShownRow['excludedBy'][] = ['admin', 'residency', 'model']

function detourMs(rows: readonly ShownRow[], servingId: string | undefined): number | null {
  const serving = rows.find(({ id }) => id === servingId)
  if (serving === undefined || serving.costMs === null) return null
  const costs = rows
    .filter(({ excludedBy }) => !NEVER_SERVES.includes(excludedBy))
    .map(({ costMs }) => costMs ?? Number.POSITIVE_INFINITY)
  return Math.max(0, serving.costMs - Math.min(...costs))
}

function shownAttempt(attempt: ExplainedAttempt, startedMs: number): ShownAttempt {
  const since = (ms: number | undefined): number | null =>
    ms === undefined ? null : Math.round((ms - startedMs) * 10) / 10
  return {
    region: attempt.regionId,
    endpoint: attempt.endpoint ?? null,
    worker: attempt.workerId ?? null,
    hop: attempt.hop ?? 0,
    resumeBytes: attempt.resumeBytes ?? 0,
    phases: {
      startedMs: since(attempt.startedMs),
      acceptedMs: since(attempt.acceptedMs),
      workerStartedMs: since(attempt.workerStartedMs),
      firstContentMs: since(attempt.firstContentMs),
      endedMs: since(attempt.endedMs),
    },
    outcome: attempt.outcome ?? null,
    code: attempt.code ?? null,
    workStarted: attempt.workStarted ?? null,
    paidBy: attempt.paidBy ?? null,
  }
}

/** Only a failure to connect proves that a region was given nothing: sending may have begun. */
function receiptOf(attempts: readonly ExplainedAttempt[]): string[] {
  const given = attempts.filter(({ failedIn }) => failedIn !== 'connect')
  return [...new Set(given.map(({ regionId }) => regionId))]
}
