import type { Metrics } from '../observe/metrics.ts'
import type { PullEvent } from './pull-loop.ts'
import type { Slots } from './slots.ts'
import type { WorkOutcome } from './work-outcome.ts'

/** When things happened to one piece of work, on the monotonic clock, in ms. */
export interface WorkTimes {
  readonly receivedMs: number
  /** When Ollama was called; absent when it never was, and so are the rest. */
  readonly calledMs?: number | undefined
  readonly firstOutputMs?: number | undefined
  readonly endedMs: number
}

export interface WorkFigures {
  readonly queue: string
  readonly outcome: WorkOutcome
  readonly times: WorkTimes
  readonly outputBytes: number
}

export interface WorkerMetrics {
  countWork(figures: WorkFigures): void
  countPull(event: PullEvent): void
  countCommand(command: 'cancel' | 'pause' | 'resume'): void
}

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]

/** Registers the worker's metrics. Labels have few values: models and ids are not among them. */
export function createWorkerMetrics(metrics: Metrics, slots: Slots): WorkerMetrics {
  const work = metrics.counter(
    'meridian_worker_work_total',
    'Pieces of work that ended, by outcome (done, failed, cancelled, abandoned) and code.',
    ['queue', 'outcome', 'code'],
  )
  const phases = metrics.histogram(
    'meridian_worker_phase_seconds',
    'Time in Ollama: start is call to first output, content is first output to end.',
    ['queue', 'phase'],
    SECONDS,
  )
  const firstOutput = metrics.histogram(
    'meridian_worker_time_to_first_token_seconds',
    'From the message to the first output of the model.',
    ['queue'],
    SECONDS,
  )
  const tokens = metrics.counter(
    'meridian_worker_tokens_total',
    'Tokens as Ollama counted them, of answers that ended well.',
    ['queue', 'type'],
  )
  const bytes = metrics.counter(
    'meridian_worker_output_bytes_total',
    'Bytes of output passed on.',
    ['queue'],
  )
  const pulls = metrics.counter(
    'meridian_worker_pulls_total',
    'Pull requests asked, and how they ended: taken, returned (no free slot), refused.',
    ['event'],
  )
  const commands = metrics.counter(
    'meridian_worker_commands_total',
    'Commands carried out on running work.',
    ['command'],
  )
  metrics.gauge('meridian_worker_slots', 'Slots by state.', ['state'], (gauge) => {
    gauge.set({ state: 'free' }, slots.free)
    gauge.set({ state: 'running' }, slots.running)
    gauge.set({ state: 'cooling' }, slots.cooling)
  })
  return {
    countWork: ({ queue, outcome, times, outputBytes }) => {
      work.inc({ queue, outcome: outcome.kind, code: codeOf(outcome) })
      if (outputBytes > 0) bytes.inc({ queue }, outputBytes)
      const { receivedMs, calledMs, firstOutputMs, endedMs } = times
      if (calledMs !== undefined) {
        const startMs = (firstOutputMs ?? endedMs) - calledMs
        phases.observe({ queue, phase: 'start' }, startMs / 1_000)
      }
      if (firstOutputMs !== undefined) {
        firstOutput.observe({ queue }, (firstOutputMs - receivedMs) / 1_000)
        phases.observe({ queue, phase: 'content' }, (endedMs - firstOutputMs) / 1_000)
      }
      if (outcome.kind !== 'done') return
      const { promptTokens, outputTokens } = outcome.usage
      if (promptTokens !== undefined) tokens.inc({ queue, type: 'input' }, promptTokens)
      if (outputTokens !== undefined) tokens.inc({ queue, type: 'output' }, outputTokens)
    },
    countPull: (event) => pulls.inc({ event }),
    countCommand: (command) => commands.inc({ command }),
  }
}

function codeOf(outcome: WorkOutcome): string {
  if (outcome.kind === 'failed') return outcome.failure.code
  return outcome.kind === 'abandoned' ? outcome.because : ''
}
