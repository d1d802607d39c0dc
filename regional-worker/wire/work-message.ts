// pure
//
// A piece of interactive work as it lies in the stream, and the words between ingress and worker
// about it. The body is Ollama's request untouched; everything else travels in headers.

import {
  PRIORITIES,
  type Priority,
  WORK_KINDS,
  type WorkHead,
  type WorkKind,
} from './region-api.ts'

/** JetStream drops a second message with the same id within the duplicate window. */
export const MESSAGE_ID_HEADER = 'Nats-Msg-Id'

export interface WorkMessageHead {
  readonly requestId: string
  readonly attempt: number
  readonly kind: WorkKind
  readonly model: string
  /** Time left for the whole answer when it was published, in ms. */
  readonly deadlineMs: number
  readonly priority: Priority
  /** Subject for the frames. The stream's message uses its reply for the acknowledgement. */
  readonly inbox: string
  readonly traceparent?: string
}

/** The id under which an attempt is known to JetStream, in logs and in cancel commands. */
export function workIdOf(requestId: string, attempt: number): string {
  return `${requestId}:${attempt}`
}

/** Writes the headers of a work message. */
export function encodeWorkMessageHead(head: WorkHead, inbox: string): [string, string][] {
  const headers: [string, string][] = [
    [MESSAGE_ID_HEADER, workIdOf(head.requestId, head.attempt)],
    ['meridian-inbox', inbox],
    ['meridian-request-id', head.requestId],
    ['meridian-attempt', String(head.attempt)],
    ['meridian-kind', head.kind],
    ['meridian-model', encodeURIComponent(head.model)],
    ['meridian-deadline-ms', String(head.deadlineMs)],
    ['meridian-priority', head.priority],
  ]
  if (head.traceparent !== undefined) headers.push(['traceparent', head.traceparent])
  return headers
}

/**
 * Reads the headers of a work message through `get`, which returns '' for an absent one.
 * `undefined` when one is missing or malformed: such a message can never be run.
 */
export function decodeWorkMessageHead(get: (name: string) => string): WorkMessageHead | undefined {
  const attempt = Number(get('meridian-attempt'))
  const deadlineMs = Number(get('meridian-deadline-ms'))
  const kind = WORK_KINDS.find((known) => known === get('meridian-kind'))
  const priority = PRIORITIES.find((known) => known === get('meridian-priority'))
  const inbox = get('meridian-inbox')
  const requestId = get('meridian-request-id')
  const model = decodeText(get('meridian-model'))
  const traceparent = get('traceparent')
  if (kind === undefined || priority === undefined || requestId === '' || !model) return undefined
  if (!INBOX.test(inbox)) return undefined
  if (!Number.isInteger(attempt) || attempt < 1 || !(deadlineMs > 0)) return undefined
  return {
    requestId,
    attempt,
    kind,
    model,
    deadlineMs,
    priority,
    inbox,
    ...(traceparent === '' ? {} : { traceparent }),
  }
}

/** No wildcard may be smuggled into a subject that a worker publishes to. */
const INBOX = /^_INBOX\.ingress\.[a-z0-9-]+\.[0-9a-f]{32}$/

function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** What an ingress tells the worker that runs an attempt. */
export interface WorkerCommand {
  /**
   * `cancel` ends it without a further frame. `pause` stops reading from Ollama, because the client
   * does not keep up; `resume` goes on.
   */
  readonly command: 'cancel' | 'pause' | 'resume'
  readonly workId: string
}

const COMMANDS = ['cancel', 'pause', 'resume'] as const

/** Writes a command as JSON. */
export function encodeWorkerCommand(command: WorkerCommand): string {
  return JSON.stringify(command)
}

/** Reads a command; `undefined` for anything that is none, also for one that is newer than us. */
export function decodeWorkerCommand(text: string): WorkerCommand | undefined {
  try {
    const value = JSON.parse(text) as { command?: unknown; workId?: unknown } | null
    const command = COMMANDS.find((known) => known === value?.command)
    const workId = value?.workId
    return command && typeof workId === 'string' ? { command, workId } : undefined
  } catch {
    return undefined
  }
}
