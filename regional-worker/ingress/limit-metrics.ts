import type { Metrics } from '../observe/metrics.ts'

export interface QueueLevel {
  readonly queued: number
  readonly running: number
  readonly queueLimit: number
}

export interface IngressLevels {
  readonly inFlight: () => number
  readonly queues: () => ReadonlyMap<string, QueueLevel>
  /** Each limit by its name: how full it is, from 0 to 1. */
  readonly fullness: () => Readonly<Record<string, number>>
}

/** Shows what an ingress holds at the moment and how near each of its limits is. */
export function showLevels(metrics: Metrics, levels: IngressLevels): void {
  metrics.gauge(
    'meridian_ingress_in_flight',
    'Pieces of work that have begun and not ended.',
    [],
    (gauge) => gauge.set({}, levels.inFlight()),
  )
  metrics.gauge(
    'meridian_ingress_work',
    'Admitted work by queue and whether a worker has started it.',
    ['queue', 'state'],
    (gauge) => {
      for (const [queue, { queued, running }] of levels.queues()) {
        gauge.set({ queue, state: 'queued' }, queued)
        gauge.set({ queue, state: 'running' }, running)
      }
    },
  )
  metrics.gauge(
    'meridian_ingress_limit_ratio',
    'How full each limit is: 1 refuses.',
    ['limit'],
    (gauge) => {
      for (const [queue, { queued, queueLimit }] of levels.queues()) {
        gauge.set({ limit: `queue:${queue}` }, queued / queueLimit)
      }
      for (const [limit, ratio] of Object.entries(levels.fullness())) gauge.set({ limit }, ratio)
    },
  )
}
