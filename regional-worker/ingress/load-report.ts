// pure

import {
  type LoadReport,
  type ModelLoad,
  type QueueLoad,
  REPORT_BYTES_MAX,
} from '#wire/load-report.ts'
import { BUILD_VERSION, WIRE } from '#wire/version.ts'
import { queueLimitOf } from './admission.ts'
import type { WorkersView } from './worker-registry.ts'

export interface ReportFacts {
  readonly nonce: string
  readonly region: string
  readonly ingress: string
  /** Start of this ingress, in ms since 1970. */
  readonly epoch: number
  /** Number of this answer, from 1. */
  readonly seq: number
  readonly workers: WorkersView
  /** What this ingress holds for each queue of the region. */
  readonly queues: ReadonlyMap<string, { readonly queued: number; readonly oldestWaitMs: number }>
  readonly queueMessagesMax: number
  /** Why the interactive lane takes no work; `undefined` when it does. */
  readonly laneProblem: string | undefined
  readonly publishP95Ms: number | null
  readonly isDraining: boolean
  readonly eventLoopDelayMs: number
}

/** From this delay on an ingress is too slow to be asked, in ms. Source: routing.md, section 4. */
export const EVENT_LOOP_DELAY_MS_MAX = 200
/** What the models of a report may take, in bytes; the rest is for everything else in it. */
const MODELS_BYTES_MAX = REPORT_BYTES_MAX - 16_384

/** Tells whether an ingress can serve, and if not, why: codes for the report and for `/readyz`. */
export function readinessOf(
  facts: Pick<ReportFacts, 'workers' | 'eventLoopDelayMs' | 'laneProblem'>,
): { readonly isReady: boolean; readonly reasons: readonly string[] } {
  const reasons: string[] = []
  if (facts.eventLoopDelayMs >= EVENT_LOOP_DELAY_MS_MAX) reasons.push('event-loop-delayed')
  if (facts.workers.healthyWorkers === 0) reasons.push('no-healthy-worker')
  // A lane without its stream is not accepting, which is a flag of its own and not a dead ingress.
  const isReady = reasons.length === 0
  if (facts.laneProblem !== undefined) reasons.unshift(facts.laneProblem)
  return { isReady, reasons }
}

/** Writes down what an ingress knows about load. */
export function buildLoadReport(facts: ReportFacts): LoadReport {
  const { workers, laneProblem, publishP95Ms } = facts
  const { isReady, reasons } = readinessOf(facts)
  const [degradedReason] = reasons
  return {
    nonce: facts.nonce,
    region: facts.region,
    ingress: facts.ingress,
    epoch: facts.epoch,
    seq: facts.seq,
    ready: isReady,
    wire: WIRE,
    version: BUILD_VERSION,
    queues: Object.fromEntries(
      [...facts.queues.keys()].map((name) => [name, queueLoadOf(name, facts)]),
    ),
    models: Object.fromEntries(fittingModels(workers.models)),
    modelsRevision: workers.modelsRevision,
    modelServer: workers.modelServer,
    accepts: { interactive: laneProblem === undefined, durable: false },
    publishP95Ms: { interactive: publishP95Ms, durable: null },
    draining: facts.isDraining,
    ...(degradedReason === undefined ? {} : { degradedReason }),
    eventLoopDelayMs: Math.round(facts.eventLoopDelayMs),
  }
}

function queueLoadOf(name: string, facts: ReportFacts): QueueLoad {
  const totals = facts.workers.queues.get(name)
  const own = facts.queues.get(name)
  const slots = totals?.slots ?? 0
  return {
    slots,
    busy: totals?.busy ?? 0,
    queued: own?.queued ?? 0,
    queueLimit: queueLimitOf(slots, facts.queueMessagesMax),
    oldestWaitMs: Math.round(own?.oldestWaitMs ?? 0),
    workers: totals?.workers ?? { healthy: 0, total: 0 },
  }
}

/** A report over its limit would be a failed probe: better to hide the last models by name. */
function fittingModels(models: ReadonlyMap<string, ModelLoad>): [string, ModelLoad][] {
  let bytes = 0
  return [...models]
    .map(([name, model]): [string, ModelLoad] => [name, rounded(model)])
    .filter((entry) => {
      bytes += JSON.stringify(entry).length
      return bytes <= MODELS_BYTES_MAX
    })
}

function rounded({ serviceMeanMs, ...model }: ModelLoad): ModelLoad {
  return serviceMeanMs === undefined
    ? model
    : { ...model, serviceMeanMs: Math.round(serviceMeanMs) }
}
