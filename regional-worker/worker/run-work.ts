// The life of one piece of work at its worker, in the order of time; ../README.md tells the same.

import { regionFailure } from '#wire/error-codes.ts'
import { type BodyPlace, decodeBodyPlace, LARGE_BODY_HEADER } from '#wire/large-body.ts'
import { decodeWorkMessageHead, type WorkMessageHead, workIdOf } from '#wire/work-message.ts'
import type { NatsMessage } from '../nats-connection.ts'
import type { Log } from '../observe/log.ts'
import type { BodyFetcher, FetchablePlace } from './fetch-body.ts'
import type { OllamaClient } from './ollama-client.ts'
import { RunningWork, type RunningWorkParts } from './running-work.ts'
import type { Slot } from './slots.ts'
import type { Abandonment, WorkOutcome } from './work-outcome.ts'
import { reportRefusal, reportWork } from './work-report.ts'
import type { WorkerMetrics } from './worker-metrics.ts'

export interface RunWorkParts extends RunningWorkParts {
  readonly log: Log
  readonly metrics: WorkerMetrics
  readonly ollama: Pick<OllamaClient, 'call'>
  readonly bodies: Pick<BodyFetcher, 'fetch'>
  /** Everything that runs, by its id, for whoever has a command for it. */
  readonly running: Map<string, RunningWork>
  /** Called when Ollama was not there, or had not the model. */
  readonly onDoubt: () => void
  /** Called when a slot has become free. */
  readonly onFreeSlot: () => void
}

/**
 * Runs the work that a message brings in a slot, which it gives back. Never rejects; every piece of
 * work ends exactly once, in the last lines of this function.
 */
export async function runWork(
  parts: RunWorkParts,
  message: NatsMessage,
  slot: Slot,
): Promise<void> {
  const order = readOrder(parts, message)
  if (order.kind === 'refused') return refuse(parts, message, slot, order)

  const work = new RunningWork(parts, order.head)
  parts.running.set(work.id, work)
  let outcome: WorkOutcome = { kind: 'failed', failure: regionFailure('internal') }
  try {
    outcome = await carryOut(parts, work, message, order.place)
  } catch (error) {
    parts.log.error({ error, 'meridian.work.id': work.id }, 'work failed by a fault of ours')
  } finally {
    await sayEnd(work, outcome)
    parts.running.delete(work.id)
    work.close()
    reportWork(parts, work, outcome, queueOf(message))
    if (outcome.kind === 'failed' && DOUBTS.has(outcome.failure.code)) parts.onDoubt()
    await giveBack(parts, work, slot)
  }
}

async function carryOut(
  parts: RunWorkParts,
  work: RunningWork,
  message: NatsMessage,
  place: FetchablePlace,
): Promise<WorkOutcome> {
  // Early, because the ingress holds the client's connection and acts on a failure from here on.
  // Acknowledged at its end, a generation that takes longer than the ack wait would run twice.
  if (!parts.outbox.publishSoon(message.reply, ACK)) return NOT_ACKNOWLEDGED

  const fetched = await parts.bodies.fetch(message, place, work.token)
  if (fetched.kind === 'gone') return CANCELLED
  if (fetched.kind === 'timed-out') return NO_BODY
  if (work.stopped !== undefined) return work.stopped

  work.begin(fetched.body)
  const { kind, traceparent } = work.head
  const call = parts.ollama.call({ kind, traceparent, body: fetched.body }, work.passOn)
  work.steer(call)
  return work.outcomeOf(await call.ended)
}

async function sayEnd({ frames }: RunningWork, outcome: WorkOutcome): Promise<void> {
  if (outcome.kind === 'done') frames.done(outcome.last, performance.now())
  else if (outcome.kind === 'failed') frames.failed(outcome.failure, performance.now())
  else return
  await frames.allSent()
}

async function giveBack({ onFreeSlot }: RunWorkParts, work: RunningWork, slot: Slot) {
  slot.cool()
  await work.quiet(QUIET_MS_MAX)
  const restMs = work.prefillRestMs(performance.now())
  const free = (): void => {
    slot.free()
    onFreeSlot()
  }
  // The next work would only queue behind a ghost. Not waited for: the process may end before it.
  if (restMs > 0) setTimeout(free, restMs).unref()
  else free()
}

type Order =
  | { readonly kind: 'order'; readonly head: WorkMessageHead; readonly place: FetchablePlace }
  | { readonly kind: 'refused'; readonly answer: Buffer; readonly because: Abandonment }

function readOrder({ running }: RunWorkParts, message: NatsMessage): Order {
  const head = decodeWorkMessageHead((name) => message.header(name))
  const place: BodyPlace = decodeBodyPlace(message.header(LARGE_BODY_HEADER))
  if (head === undefined || place.kind === 'problem') {
    return { kind: 'refused', answer: TERM, because: 'malformed' }
  }
  if (running.has(workIdOf(head.requestId, head.attempt))) {
    return { kind: 'refused', answer: ACK, because: 'duplicate' }
  }
  return { kind: 'order', head, place }
}

function refuse(
  parts: RunWorkParts,
  message: NatsMessage,
  slot: Slot,
  { answer, because }: Extract<Order, { kind: 'refused' }>,
): void {
  parts.outbox.publish(message.reply, answer)
  slot.free()
  parts.onFreeSlot()
  reportRefusal(parts, because, queueOf(message))
}

function queueOf({ subject }: NatsMessage): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}

/** How long an ended call may hold its connection before it is cut, in ms. */
const QUIET_MS_MAX = 1_000
const ACK = Buffer.from('+ACK')
/** Never again: the reason is for people who watch the server's advisories. */
const TERM = Buffer.from('+TERM malformed work message')
/** What says that the list of models is old, or that nobody is there. */
const DOUBTS: ReadonlySet<string> = new Set(['model-missing', 'ollama-unreachable'])

const CANCELLED: WorkOutcome = { kind: 'cancelled' }
const NOT_ACKNOWLEDGED: WorkOutcome = { kind: 'abandoned', because: 'not-acknowledged' }
const NO_BODY: WorkOutcome = {
  kind: 'failed',
  failure: regionFailure('internal', { workStarted: 'no' }),
}
