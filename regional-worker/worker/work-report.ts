import type { Log } from '../observe/log.ts'
import type { ModelFacts } from './model-facts.ts'
import type { RunningWork } from './running-work.ts'
import type { Abandonment, WorkOutcome } from './work-outcome.ts'
import type { WorkerMetrics } from './worker-metrics.ts'

export interface ReportParts {
  readonly log: Log
  readonly metrics: WorkerMetrics
  readonly facts: ModelFacts
}

/** Tells the model list, the metrics and the log how a piece of work ended. To be called once. */
export function reportWork(
  { log, metrics, facts }: ReportParts,
  work: RunningWork,
  outcome: WorkOutcome,
  queue: string,
): void {
  const times = work.times(performance.now())
  const { receivedMs, calledMs, firstOutputMs, endedMs } = times
  const { outputBytes } = work
  metrics.countWork({ queue, outcome, times, outputBytes })
  if (outcome.kind === 'done' && calledMs !== undefined && work.asksModel) {
    facts.noteDone(work.head.model, endedMs - calledMs, outcome.usage)
  }
  log[levelOf(outcome)](
    {
      'meridian.request.id': work.head.requestId,
      'meridian.attempt': work.head.attempt,
      'meridian.queue': queue,
      'gen_ai.operation.name': work.head.kind,
      'gen_ai.request.model': work.head.model,
      outcome: outcome.kind,
      ...detailsOf(outcome),
      durationMs: Math.round(endedMs - receivedMs),
      ...(firstOutputMs === undefined
        ? {}
        : { timeToFirstTokenMs: Math.round(firstOutputMs - receivedMs) }),
      outputBytes,
    },
    'work ended',
  )
}

/** Tells the metrics and the log of a message that could not become work. */
export function reportRefusal(
  { log, metrics }: Pick<ReportParts, 'log' | 'metrics'>,
  because: Abandonment,
  queue: string,
): void {
  const nowMs = performance.now()
  const outcome: WorkOutcome = { kind: 'abandoned', because }
  const times = { receivedMs: nowMs, endedMs: nowMs }
  metrics.countWork({ queue, outcome, times, outputBytes: 0 })
  log.warn({ 'meridian.queue': queue, because }, 'message dropped')
}

/** The gateway's line tells of every request; here a line for each costs 40 µs of its 190. */
function levelOf(outcome: WorkOutcome): 'debug' | 'info' | 'warn' {
  if (outcome.kind === 'abandoned') return 'warn'
  if (outcome.kind !== 'failed') return 'debug'
  return outcome.failure.fault === 'region' ? 'warn' : 'info'
}

function detailsOf(outcome: WorkOutcome): Readonly<Record<string, unknown>> {
  switch (outcome.kind) {
    case 'done':
      return {
        'gen_ai.usage.input_tokens': outcome.usage.promptTokens,
        'gen_ai.usage.output_tokens': outcome.usage.outputTokens,
      }
    case 'failed': {
      const { code, workStarted, status, message } = outcome.failure
      // What is said of a request at fault may repeat the request, which is not for the log.
      const reason = code === 'request-refused' ? undefined : message
      return { 'error.type': code, workStarted, 'http.response.status_code': status, reason }
    }
    case 'abandoned':
      return { because: outcome.because }
    case 'cancelled':
      return {}
    default:
      return outcome satisfies never
  }
}
