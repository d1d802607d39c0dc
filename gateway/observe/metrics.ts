import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestContext } from '../request-context.ts'

/** The gateway's Prometheus metrics. Labels are bounded: patterns and codes, never client text. */
export interface GatewayMetrics {
  onRequestEnd(context: RequestContext, nowMs: number): void
  onHealthChange(regionId: string, from: string, to: string): void
  /** The text that `/metrics` answers. */
  text(): Promise<string>
}

export interface GaugeSources {
  readonly inFlight: () => number
  readonly regionsInRotation: () => readonly { readonly id: string; readonly isIn: boolean }[]
}

// The buckets of OpenTelemetry's `gen_ai.server.request.duration`, in seconds.
const DURATION_BUCKETS_S = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]

/** Makes the metrics of one gateway; several may live in one process. */
export function createMetrics(sources: GaugeSources): GatewayMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'meridian_requests_total',
    help: 'Requests that have ended, by route, region of the answer, status and error code.',
    labelNames: ['route', 'region', 'status', 'code'],
    registers,
  })
  const durations = new Histogram({
    name: 'meridian_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    labelNames: ['route'],
    buckets: DURATION_BUCKETS_S,
    registers,
  })
  const firstContent = new Histogram({
    name: 'meridian_time_to_first_content_seconds',
    help: 'From the head of a request to the first content byte of its answer.',
    labelNames: ['route', 'region'],
    buckets: DURATION_BUCKETS_S,
    registers,
  })
  const attempts = new Counter({
    name: 'meridian_attempts_total',
    help: 'Attempts at regions, by outcome.',
    labelNames: ['region', 'outcome'],
    registers,
  })
  const tokens = new Counter({
    name: 'meridian_tokens_total',
    help: 'Tokens as the model servers counted them.',
    labelNames: ['region', 'direction'],
    registers,
  })
  const healthChanges = new Counter({
    name: 'meridian_region_health_changes_total',
    help: 'Changes of what this gateway thinks of a region.',
    labelNames: ['region', 'from', 'to'],
    registers,
  })
  addGauges(registers, sources)

  return {
    onRequestEnd: (context, nowMs) => {
      const { route, regionId = 'none', status = 0, errorCode = 'none' } = context
      requests.inc({ route, region: regionId, status: String(status), code: errorCode })
      durations.observe({ route }, (nowMs - context.startedMs) / 1_000)
      if (context.committedMs !== undefined) {
        const seconds = (context.committedMs - context.startedMs) / 1_000
        firstContent.observe({ route, region: regionId }, seconds)
      }
      for (const attempt of context.attempts) {
        attempts.inc({ region: attempt.regionId, outcome: attempt.outcome ?? 'unknown' })
      }
      const { inputTokens, outputTokens } = context
      if (inputTokens) tokens.inc({ region: regionId, direction: 'input' }, inputTokens)
      if (outputTokens) tokens.inc({ region: regionId, direction: 'output' }, outputTokens)
    },
    onHealthChange: (region, from, to) => healthChanges.inc({ region, from, to }),
    text: () => registry.metrics(),
  }
}

function addGauges(registers: Registry[], sources: GaugeSources): void {
  new Gauge({
    name: 'meridian_requests_in_flight',
    help: 'Requests that have begun and not ended.',
    registers,
    collect() {
      this.set(sources.inFlight())
    },
  })
  new Gauge({
    name: 'meridian_region_in_rotation',
    help: '1 while new work may go to the region.',
    labelNames: ['region'],
    registers,
    collect() {
      for (const { id, isIn } of sources.regionsInRotation()) this.set({ region: id }, Number(isIn))
    },
  })
}
