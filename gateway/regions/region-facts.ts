// pure
// What a decision knows of a region, in two halves. What changes with a report or a state is worked
// out once and kept (`PreparedRegion`), what changes with every request is read when it is needed.

import type { LaneFlags, LoadReport, QueueLoad } from '#wire/load-report.ts'
import { boundedSlots, degradedFactor, type RegionState, workersFactor } from './availability.ts'
import type { DecisionOptions } from './decision-options.ts'
import { canonicalModel } from './model-name.ts'
import type { Region } from './region.ts'
import {
  expectedWaitMs,
  type PublishedTieScore,
  publishTieScore,
  rawTieScore,
} from './tie-score.ts'

/** The two lanes of a region. */
export type Lane = keyof LaneFlags<unknown>

/** What this gateway knows of one region. `…AtMs` and `…SinceMs` are on the monotonic clock. */
export interface RegionFacts {
  readonly region: Region
  readonly state: RegionState
  /** Trial requests that a `probing` region still takes; without meaning in any other state. */
  readonly trialsLeft: number
  /** When the region came back and its ramp began; `undefined` = it has none. */
  readonly readySinceMs: number | undefined
  /** The same for each of its lanes. */
  readonly laneReadySinceMs: LaneFlags<number | undefined>
  /** The last one that was accepted, kept while the region is away. */
  readonly report: LoadReport | undefined
  /** When the report and the newest round trip were received. */
  readonly reportAtMs: number
  /** The report's flags, less those that refusals have cleared since. */
  readonly accepts: LaneFlags<boolean>
  readonly speaksOurWire: boolean
  /** Canonical name → name at the region. */
  readonly models: ReadonlyMap<string, string>
  /** Exponential mean of the round trips, in ms; `undefined` before the first. */
  readonly rttMs: number | undefined
  /** What this gateway has learnt of a queue by sending work there: one object that lives on. */
  signalsOf(queue: string): QueueSignals
}

/** What one gateway's own work says of a queue of a region. */
export interface QueueSignals {
  /** Attempts sent there, and ended there, since the last report. */
  readonly sentSinceReport: number
  readonly doneSinceReport: number
  readonly inFlight: number
  /** Most attempts in flight; Infinity where nothing is known yet. */
  readonly inFlightLimit: number
  /** It has refused for being full and has not been calm since. */
  readonly isOverfull: boolean
  /** The probability with which it should be left alone, 0..1. */
  skipProbability(nowMs: number): number
}

/** Of a queue that no work was ever sent to. */
export const NO_SIGNALS: QueueSignals = Object.freeze({
  sentSinceReport: 0,
  doneSinceReport: 0,
  inFlight: 0,
  inFlightLimit: Number.POSITIVE_INFINITY,
  isOverfull: false,
  skipProbability: () => 0,
})

/** How a region serves one model. */
export interface Serving {
  /** The model's name at the region. */
  readonly name: string
  readonly queue: string
  /** Without `sha256:`; '' where the region's workers disagree. */
  readonly digest: string
  /** Whether it is the digest that the region is configured to have, if there is one. */
  readonly isAsConfigured: boolean
  readonly load: QueueLoad
  /** After the bound of the region's `maxSlots`. */
  readonly slots: number
  readonly serviceMeanMs: number
  readonly workers: number
  /** `undefined` until the region was reached and has slots. */
  readonly tie: PublishedTieScore | undefined
  readonly signals: QueueSignals
}

/** A region with everything worked out that no client and no later moment changes. */
export interface PreparedRegion {
  readonly facts: RegionFacts
  readonly degraded: LaneFlags<number>
  /** Slots that the report claimed beyond `maxSlots`: above 0 is a reason for an alarm. */
  readonly excessSlots: number
  /** How it serves a model by its canonical name; `undefined` when it does not. */
  servingOf(model: string): Serving | undefined
}

/**
 * Prepares a region for decisions. To be called when its report or state changes, with what was
 * prepared before, whose published tie scores live on.
 */
export function prepareRegion(
  facts: RegionFacts,
  previous: PreparedRegion | undefined,
  nowMs: number,
  options: DecisionOptions,
): PreparedRegion {
  return new Preparation(facts, previous, nowMs, options)
}

const SLOTS_OF_NOTHING = { slots: new Map<string, number>(), excess: 0 }

class Preparation implements PreparedRegion {
  readonly facts: RegionFacts
  readonly degraded: LaneFlags<number>
  readonly excessSlots: number
  readonly #slots: ReadonlyMap<string, number>
  readonly #digests: ReadonlyMap<string, string>
  readonly #preparedMs: number
  readonly #options: DecisionOptions
  /** Filled model by model: a region may list a thousand, and few are asked for. */
  readonly #servings = new Map<string, Serving>()

  constructor(
    facts: RegionFacts,
    previous: PreparedRegion | undefined,
    nowMs: number,
    options: DecisionOptions,
  ) {
    const { report, region } = facts
    const { slots, excess } =
      report === undefined ? SLOTS_OF_NOTHING : boundedSlots(slotsOf(report), region.maxSlots)
    this.facts = facts
    this.degraded = degradedLanes(report, options)
    this.excessSlots = excess
    this.#slots = slots
    this.#digests = new Map(
      [...region.models].map(([name, { digest }]) => [canonicalModel(name), bareDigest(digest)]),
    )
    this.#preparedMs = nowMs
    this.#options = options
    if (!(previous instanceof Preparation)) return
    // Those that were asked for are kept up at every report, or a score could not be held.
    for (const [model, { tie }] of previous.#servings) this.#serve(model, tie)
  }

  servingOf(model: string): Serving | undefined {
    return this.#servings.get(model) ?? this.#serve(model, undefined)
  }

  #serve(model: string, tie: PublishedTieScore | undefined): Serving | undefined {
    const { report, models, rttMs, signalsOf } = this.facts
    const name = models.get(model)
    const entry = name === undefined ? undefined : report?.models[name]
    const load = entry === undefined ? undefined : report?.queues[entry.queue]
    if (name === undefined || entry === undefined || load === undefined) return undefined
    const slots = this.#slots.get(entry.queue) ?? 0
    const serviceMeanMs = entry.serviceMeanMs ?? this.#options.serviceMeanMs
    const waitMs = expectedWaitMs({ estimated: load.busy + load.queued, slots, serviceMeanMs })
    const digest = bareDigest(entry.digest)
    const wanted = this.#digests.get(model)
    const serving: Serving = {
      name,
      queue: entry.queue,
      digest,
      isAsConfigured: wanted === undefined || wanted === digest,
      load,
      slots,
      serviceMeanMs,
      workers: workersFactor({ ...load, slots }, this.#options),
      tie: this.#publish(tie, rawTieScore({ rttEwmaMs: rttMs, waitMs })),
      signals: signalsOf(entry.queue),
    }
    this.#servings.set(model, serving)
    return serving
  }

  /** A score without limit is never published: it would be held for a minute after the return. */
  #publish(tie: PublishedTieScore | undefined, raw: number): PublishedTieScore | undefined {
    if (!Number.isFinite(raw)) return tie
    return publishTieScore(tie, raw, this.#preparedMs, this.#options.tieHoldMs)
  }
}

function slotsOf({ queues }: LoadReport): Record<string, number> {
  return Object.fromEntries(Object.entries(queues).map(([name, { slots }]) => [name, slots]))
}

function degradedLanes(
  report: LoadReport | undefined,
  options: DecisionOptions,
): LaneFlags<number> {
  const factorOf = (lane: Lane): number =>
    degradedFactor(report?.degradedReason, report?.publishP95Ms[lane] ?? null, options)
  return { interactive: factorOf('interactive'), durable: factorOf('durable') }
}

/** Operators write `sha256:` before a digest, model servers do not. */
function bareDigest(digest: string): string {
  return digest.startsWith('sha256:') ? digest.slice('sha256:'.length) : digest
}
