import { MODEL_NAME_MAX } from '#wire/region-api.ts'
import { formatIpAddress, networkOf, parseIpAddress, unmapped } from '../downstream/ip-address.ts'
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
    'client.network': networkTextOf(context.clientAddress),
    'geo.country.iso_code': place?.countryIsoCode,
    'geo.continent.code': place?.continentCode,
    'meridian.place.source': place?.source,
    'meridian.region': context.regionId,
    'meridian.worker': last?.workerId,
    'meridian.response_flag': context.errorCode ? ERRORS[context.errorCode].flag : '-',
    'error.type': context.errorCode,
    'gen_ai.request.model': context.model?.slice(0, MODEL_NAME_MAX),
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
function networkTextOf(address: string | undefined): string | undefined {
  const parsed = parseIpAddress(address ?? '')
  if (parsed === undefined) return undefined
  const bytes = unmapped(parsed)
  const prefixBits = bytes.length === 4 ? 24 : 48
  return `${formatIpAddress(networkOf(bytes, prefixBits))}/${prefixBits}`
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
