// The story of an interactive request: parsed, placed, tried region by region, written as it comes,
// and ended exactly once. `DESIGN.md` section 4 in code; the stations do the work.

import type { Priority } from '#wire/region-api.ts'
import type { InnerRequest, ParseRequest } from './dialects/dialect.ts'
import type { DialectName, LocalReply } from './downstream/local-reply.ts'
import { GatewayError } from './errors.ts'
import {
  type AttemptStations,
  GenerationAttempts,
  type RequestInWork,
} from './generation-attempts.ts'
import type { Place } from './place/locate.ts'
import type { ResidencyPolicy } from './regions/residency.ts'
import type { RequestContext } from './request-context.ts'
import type { RequestRouting, RouteRequest } from './routing.ts'
import { route } from './upstream/route.ts'

/** What the story needs of the stations; `app.ts` joins them. */
export interface GenerationStations extends AttemptStations {
  /** @throws {GatewayError} `model_not_found` when no region has the model, up or down. */
  requireModel(model: string): void
  locate(address: string | undefined): Place
  /** The affinity hash of a conversation, 16 hex. */
  hashAffinity(text: string): string
  /** Begins the way of a request over the regions. */
  openRoute(context: RequestContext, request: RouteRequest): RequestRouting
  /** The policy that binds a request; `asked` is its own header. */
  residencyOf(asked: string | undefined): ResidencyPolicy
  localReply(error: GatewayError, dialect: DialectName): LocalReply
  /** The last line of every request: log, metrics. */
  finish(context: RequestContext): void
}

/** One request as the listener hands it over. */
export interface Exchange extends RequestInWork {
  readonly dialect: DialectName
  readonly parse: ParseRequest
  /** What the client wrote into headers of ours, as text. */
  readonly asked: { readonly residency?: string; readonly priority?: string }
  /** The body as JSON. @throws {GatewayError} `invalid_json`. */
  readBody(): unknown
}

/** Answers one interactive request. Never rejects: whatever happens is an answer and a log line. */
export async function handleGeneration(
  stations: GenerationStations,
  exchange: Exchange,
): Promise<void> {
  const { context } = exchange
  let attempts: GenerationAttempts | undefined
  try {
    const inner = exchange.parse(exchange.readBody())
    context.model = inner.model
    stations.requireModel(inner.model)
    const place = stations.locate(context.clientAddress)
    context.place = place
    noteAffinity(stations, context, inner)
    const residency = stations.residencyOf(exchange.asked.residency)
    context.isRestricted = residency.kind !== 'anywhere'
    const priority = priorityOf(inner.priority, exchange.asked.priority)
    const routing = stations.openRoute(context, { place, model: inner.model, priority, residency })
    const work = new GenerationAttempts(stations, exchange, inner, { routing, priority })
    attempts = work
    await route({
      chooseRegion: () => routing.choose(),
      attempt: (regionId, number) => work.attempt(regionId, number),
      progress: (made) => work.progress(made),
      limits: stations.limits,
    })
  } catch (error) {
    answerError(stations, exchange, attempts, error)
  } finally {
    attempts?.close()
    context.bytesOut = exchange.stream.bytesOut
    stations.finish(context)
  }
}

function noteAffinity(
  stations: GenerationStations,
  context: RequestContext,
  inner: InnerRequest,
): void {
  if (inner.affinity.source === 'none') return
  const hash = stations.hashAffinity(inner.affinity.text)
  context.affinity = { source: inner.affinity.source, hash }
}

/** A request may only lower its class; until there are tenants everybody's is standard. */
function priorityOf(inner: Priority | undefined, asked: string | undefined): Priority {
  return inner === 'batch' || asked === 'batch' ? 'batch' : 'standard'
}

/** A bound request that finds nobody is told that it is bound: elsewhere there may be somebody. */
function errorFor({ isRestricted }: RequestContext, thrown: unknown): GatewayError {
  if (!(thrown instanceof GatewayError)) {
    return new GatewayError('internal_error', { cause: thrown })
  }
  if (!isRestricted || thrown.code !== 'no_region_available') return thrown
  return new GatewayError('residency_unsatisfiable', { cause: thrown.cause })
}

/** The client hears of a failure where it still can: as a status, or as the last frame. */
function answerError(
  stations: GenerationStations,
  { context, dialect, stream }: Exchange,
  attempts: GenerationAttempts | undefined,
  thrown: unknown,
): void {
  const error = errorFor(context, thrown)
  context.errorCode = error.code
  context.cause = error.cause
  context.status = stream.headersSent ? 200 : error.status
  if (stream.isGone) return
  if (attempts !== undefined && stream.headersSent) return attempts.fail(error)
  const { status, headers, body } = stations.localReply(error, dialect)
  stream.start(status, { ...headers, 'x-request-id': context.requestId })
  stream.end(body)
}
