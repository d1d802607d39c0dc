import { ERRORS } from '../errors.ts'
import type { RequestContext } from '../request-context.ts'
import type { Log } from './log.ts'

/** Writes the one wide line of a request. No prompt, answer, key or whole client address. */
export function logAccess(log: Log, context: RequestContext, nowMs: number): void {
  const source = context.errorCode === undefined ? 'downstream' : ERRORS[context.errorCode].source
  const level = source === 'internal' ? 'error' : source === 'upstream' ? 'warn' : 'info'
  log[level](fieldsOf(context, nowMs), 'request')
}

function fieldsOf(context: RequestContext, nowMs: number): Record<string, unknown> {
  const { place, attempts, startedMs } = context
  const last = attempts.at(-1)
  return {
    request_id: context.requestId,
    'http.request.method': context.method,
    'http.route': context.route,
    'http.response.status_code': context.status,
    'network.protocol.version': context.httpVersion,
    'http.request.body.size': context.bytesIn,
    'http.response.body.size': context.bytesOut,
    'client.network': networkOf(context.clientAddress),
    'geo.country.iso_code': place?.countryIsoCode,
    'geo.continent.code': place?.continentCode,
    'meridian.place.source': place?.source,
    'meridian.region': context.regionId,
    'meridian.worker': last?.workerId,
    'meridian.response_flag': context.errorCode ? ERRORS[context.errorCode].flag : '-',
    'error.type': context.errorCode,
    'gen_ai.request.model': context.model,
    'gen_ai.usage.input_tokens': context.inputTokens,
    'gen_ai.usage.output_tokens': context.outputTokens,
    'meridian.stream': context.isStream,
    duration_ms: round(nowMs - startedMs),
    first_content_ms: sinceStart(context.committedMs, startedMs),
    attempts: attempts.map((attempt) => ({
      region: attempt.regionId,
      outcome: attempt.outcome,
      work_started: attempt.workStarted,
      started_ms: sinceStart(attempt.startedMs, startedMs),
      accepted_ms: sinceStart(attempt.acceptedMs, startedMs),
      worker_started_ms: sinceStart(attempt.workerStartedMs, startedMs),
      ended_ms: sinceStart(attempt.endedMs, startedMs),
    })),
    err: errorText(context.cause),
  }
}

/** The network of an address, /24 or /48, which is as much as a log may hold. */
function networkOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined
  if (!address.includes(':')) return `${address.split('.').slice(0, 3).join('.')}.0/24`
  const groups = address.split('::')[0]?.split(':').filter(Boolean) ?? []
  return `${[...groups, '0', '0', '0'].slice(0, 3).join(':')}::/48`
}

function errorText(cause: unknown): string | undefined {
  if (cause === undefined) return undefined
  if (!(cause instanceof Error)) return String(cause)
  // A syntax error quotes the text that it met, which may be a prompt: its frames are enough.
  const frames = cause.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? []
  const message = cause instanceof SyntaxError ? '' : `: ${cause.message}`
  return [`${cause.name}${message}`, ...frames].join('\n')
}

function sinceStart(ms: number | undefined, startedMs: number): number | undefined {
  return ms === undefined ? undefined : round(ms - startedMs)
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
