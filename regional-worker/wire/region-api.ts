// pure
//
// What a gateway says to an ingress and what it hears back, over HTTP/1.1 with mutual TLS:
//
//   POST /work    head in headers, body = Ollama's own request; answered by frames (`frames.ts`)
//                 102 soon after the queue has it and every second while it waits there,
//                 200 when a worker has started, else a status and a `RegionFailure` as JSON
//   GET  /health  probe, load report and version handshake in one (`load-report.ts`)
//   GET  /models  what `/api/tags` of the region's model servers say, merged

import { decodeWireRange, encodeWireRange, WIRE, type WireRange } from './version.ts'

export const WORK_PATH = '/work'
export const HEALTH_PATH = '/health'
export const MODELS_PATH = '/models'

/** Content type of the answer to `POST /work` once a worker has started. */
export const FRAMES_TYPE = 'application/vnd.meridian.frames'

/** Header of a 200 that names the worker which started. */
export const WORKER_HEADER = 'meridian-worker'

/** A nonce in the query of `GET /health`, repeated in the report, so that an old one is known. */
export const NONCE = /^[0-9a-f]{8,32}$/

/** Which of Ollama's endpoints the body is for: `/api/<kind>`. */
export const WORK_KINDS = ['chat', 'generate', 'embed', 'embeddings', 'show'] as const
export type WorkKind = (typeof WORK_KINDS)[number]

export const PRIORITIES = ['critical', 'standard', 'batch'] as const
export type Priority = (typeof PRIORITIES)[number]

/** Everything about an attempt that a region needs and that is not in Ollama's request. */
export interface WorkHead {
  /** `req_<gateway>_<24 hex>`, the id that the client was told. */
  readonly requestId: string
  /** Counts the attempts of one request over all regions, from 1. */
  readonly attempt: number
  readonly kind: WorkKind
  /** The model, repeated from the body so that the ingress need not parse it. */
  readonly model: string
  /** Time left for the whole answer, in ms: clocks of two machines are never compared. */
  readonly deadlineMs: number
  /** Time left until a worker must have started, in ms. After it the work is withdrawn. */
  readonly queueDeadlineMs: number
  readonly priority: Priority
  /** 1 when another region has already refused the request because it was full. */
  readonly hop: 0 | 1
  /** Hash of tenant and conversation, 16 hex; absent where there is nothing to keep together. */
  readonly affinity?: string
  /** W3C trace context, passed on as it came. */
  readonly traceparent?: string
}

export const REQUEST_ID = /^req_[a-z0-9]{1,16}_[0-9a-f]{24}$/
export const ATTEMPT_MAX = 9_999
/** The longest deadline that a region accepts, in ms: one hour. */
export const DEADLINE_MS_MAX = 3_600_000
export const MODEL_NAME_MAX = 256

const AFFINITY = /^[0-9a-f]{16}$/
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** Writes the head as a flat list of header names and values, as undici takes them. */
export function encodeWorkHead(head: WorkHead): string[] {
  const headers = [
    'content-type',
    'application/json',
    'meridian-wire',
    encodeWireRange(WIRE),
    'meridian-request-id',
    head.requestId,
    'meridian-attempt',
    String(head.attempt),
    'meridian-kind',
    head.kind,
    'meridian-model',
    encodeURIComponent(head.model),
    'meridian-deadline-ms',
    String(head.deadlineMs),
    'meridian-queue-deadline-ms',
    String(head.queueDeadlineMs),
    'meridian-priority',
    head.priority,
    'meridian-hop',
    String(head.hop),
  ]
  if (head.affinity !== undefined) headers.push('meridian-affinity', head.affinity)
  if (head.traceparent !== undefined) headers.push('traceparent', head.traceparent)
  return headers
}

export type DecodedWorkHead =
  | { readonly kind: 'head'; readonly head: WorkHead; readonly wire: WireRange }
  | { readonly kind: 'problem'; readonly header: string }

/**
 * Reads a head from Node's header object. Names the first header that is missing or wrong; headers
 * that this build does not know are ignored.
 */
export function decodeWorkHead(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): DecodedWorkHead {
  const read = (name: string): string | undefined => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const problem = (header: string): DecodedWorkHead => ({ kind: 'problem', header })

  const wire = decodeWireRange(read('meridian-wire'))
  if (wire === undefined) return problem('meridian-wire')
  const requestId = read('meridian-request-id') ?? ''
  if (!REQUEST_ID.test(requestId)) return problem('meridian-request-id')
  const attempt = decodeInteger(read('meridian-attempt'), 1, ATTEMPT_MAX)
  if (attempt === undefined) return problem('meridian-attempt')
  const kind = WORK_KINDS.find((known) => known === read('meridian-kind'))
  if (kind === undefined) return problem('meridian-kind')
  const model = decodeModel(read('meridian-model'))
  if (model === undefined) return problem('meridian-model')
  const deadlineMs = decodeInteger(read('meridian-deadline-ms'), 1, DEADLINE_MS_MAX)
  if (deadlineMs === undefined) return problem('meridian-deadline-ms')
  const queueDeadlineMs = decodeInteger(read('meridian-queue-deadline-ms'), 1, DEADLINE_MS_MAX)
  if (queueDeadlineMs === undefined) return problem('meridian-queue-deadline-ms')
  const priority = PRIORITIES.find((known) => known === read('meridian-priority'))
  if (priority === undefined) return problem('meridian-priority')
  const hop = decodeInteger(read('meridian-hop'), 0, 1)
  if (hop === undefined) return problem('meridian-hop')
  const affinity = read('meridian-affinity')
  if (affinity !== undefined && !AFFINITY.test(affinity)) return problem('meridian-affinity')
  const traceparent = read('traceparent')

  const head: WorkHead = {
    requestId,
    attempt,
    kind,
    model,
    deadlineMs,
    queueDeadlineMs,
    priority,
    hop: hop === 0 ? 0 : 1,
    ...(affinity === undefined ? {} : { affinity }),
    // A foreign trace id that is malformed is dropped, as W3C asks, and never fails the work.
    ...(traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
  }
  return { kind: 'head', head, wire }
}

function decodeInteger(text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}

function decodeModel(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  try {
    const model = decodeURIComponent(text)
    return model.length <= MODEL_NAME_MAX ? model : undefined
  } catch {
    return undefined
  }
}
