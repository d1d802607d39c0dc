import type { RegionErrorCode } from '#wire/error-codes.ts'
import type { WorkHead } from '#wire/region-api.ts'
import type { Log } from '../observe/log.ts'
import type { Counter, Histogram, Metrics } from '../observe/metrics.ts'
import type { Attempt } from './attempt.ts'
import type { DispatchObserver } from './dispatch.ts'
import type { Relay } from './relay.ts'
import type { WorkFailed } from './work-failed.ts'

/** How a piece of work ended: well, before a worker started, after it, or because of the caller. */
export type WorkOutcome = 'done' | 'refused' | 'failed' | 'cancelled'

/** What the story of one piece of work leaves behind. */
export interface WorkEntry {
  readonly head?: WorkHead | undefined
  readonly attempt?: Attempt | undefined
  readonly relay: Relay
  readonly failed?: WorkFailed | undefined
  /** What was thrown when it was no `WorkFailed`: a mistake of ours. */
  readonly mistake?: unknown
}

/** Bounds in seconds: a free worker starts in under 1 ms, the longest wait is 30 s. */
const WAIT_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const CALLERS_DOING: ReadonlySet<RegionErrorCode> = new Set(['cancelled', 'slow-reader'])

/** Counts all work, writes a line about what did not end well, and knows when nothing is left. */
export class WorkJournal implements Pick<DispatchObserver, 'started' | 'withdrawn' | 'paused'> {
  readonly #log: Log
  readonly #work: Counter<'outcome' | 'code'>
  readonly #waits: Histogram<'queue'>
  readonly #frames: Counter<never>
  readonly #bytes: Counter<never>
  readonly #withdrawn: Counter<never>
  readonly #paused: Counter<never>
  #inFlight = 0
  #idle: (() => void)[] = []

  constructor(metrics: Metrics, log: Log) {
    this.#log = log
    this.#work = metrics.counter(
      'meridian_ingress_work_total',
      'Pieces of interactive work by how they ended; code is `none` when well.',
      ['outcome', 'code'],
    )
    this.#waits = metrics.histogram(
      'meridian_ingress_queue_wait_seconds',
      'Time from admission until a worker started.',
      ['queue'],
      WAIT_BUCKETS,
    )
    this.#frames = metrics.counter('meridian_ingress_frames_total', 'Frames sent to gateways.', [])
    this.#bytes = metrics.counter(
      'meridian_ingress_frame_bytes_total',
      'Bytes of frames sent to gateways, lengths included.',
      [],
    )
    this.#withdrawn = metrics.counter(
      'meridian_ingress_withdrawn_total',
      'Published work that was taken back or cancelled.',
      [],
    )
    this.#paused = metrics.counter(
      'meridian_ingress_pauses_total',
      'How often a worker was paused because a gateway did not keep up.',
      [],
    )
  }

  /** Work that has begun and not ended. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Resolves when nothing is in flight; at once when nothing is. */
  async untilIdle(): Promise<void> {
    if (this.#inFlight === 0) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  begin(): void {
    this.#inFlight += 1
  }

  end(entry: WorkEntry): void {
    const outcome = outcomeOf(entry)
    this.#work.inc({ outcome, code: entry.failed?.failure.code ?? 'none' })
    if (entry.relay.frames > 0) {
      this.#frames.inc({}, entry.relay.frames)
      this.#bytes.inc({}, entry.relay.bytes)
    }
    if (outcome !== 'done') this.#write(outcome, entry)
    this.#inFlight -= 1
    if (this.#inFlight > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  started(queue: string, waitedMs: number): void {
    this.#waits.observe({ queue }, waitedMs / 1_000)
  }

  withdrawn(): void {
    this.#withdrawn.inc({})
  }

  paused(): void {
    this.#paused.inc({})
  }

  #write(outcome: WorkOutcome, { head, attempt, relay, failed, mistake }: WorkEntry): void {
    const fields = {
      'meridian.outcome': outcome,
      'meridian.code': failed?.failure.code,
      'meridian.work_started': failed?.failure.workStarted,
      'meridian.request_id': head?.requestId,
      'meridian.attempt': head?.attempt,
      'gen_ai.request.model': head?.model,
      'meridian.queue': attempt?.queue,
      'meridian.queue_wait_ms': attempt?.waitedMs,
      'meridian.worker': attempt?.worker,
      'meridian.frames': relay.frames,
      ...(mistake === undefined ? {} : { error: mistake }),
    }
    if (mistake !== undefined) this.#log.error(fields, 'work failed by our mistake')
    else if (isOrdinary(outcome, failed)) this.#log.debug(fields, 'work ended early')
    else this.#log.warn(fields, 'work failed')
  }
}

/** A caller that leaves, and work that may go elsewhere unhurt: there can be thousands a second. */
function isOrdinary(outcome: WorkOutcome, failed: WorkFailed | undefined): boolean {
  if (outcome === 'cancelled') return true
  return outcome === 'refused' && failed?.failure.workStarted === 'no'
}

function outcomeOf({ attempt, failed }: WorkEntry): WorkOutcome {
  if (failed === undefined) return 'done'
  if (CALLERS_DOING.has(failed.failure.code)) return 'cancelled'
  return attempt?.waitedMs === undefined ? 'refused' : 'failed'
}
