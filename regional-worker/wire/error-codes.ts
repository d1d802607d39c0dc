// pure

/** What is known about an attempt that failed: whether a worker had begun to run it. */
export type WorkStarted = 'no' | 'unknown' | 'yes'

/**
 * Whom a failure is laid on. `region`: this place could not do it, another may. `request`: the same
 * request would fail everywhere, so it is not tried elsewhere and does not count against the
 * region.
 */
export type Fault = 'region' | 'request'

export interface RegionErrorRow {
  /** HTTP status of the answer when nothing had started yet. */
  readonly status: number
  /** What holds unless the failure itself says otherwise. */
  readonly workStarted: WorkStarted
  readonly fault: Fault
}

/** Every way in which a region can fail an attempt. Additions only; a code is never reused. */
export const REGION_ERRORS = {
  /** The queue is full, or the stream refused the message (JetStream error 10077). */
  overflow: { status: 503, workStarted: 'no', fault: 'region' },
  /** NATS is away or has no leader: the lane takes no work just now. */
  'not-accepting': { status: 503, workStarted: 'no', fault: 'region' },
  /** The ingress finishes what it has and takes nothing new. */
  draining: { status: 503, workStarted: 'no', fault: 'region' },
  /** No live worker of this region serves the model. */
  'model-missing': { status: 404, workStarted: 'no', fault: 'region' },
  /** The two builds have no common wire version. */
  version: { status: 426, workStarted: 'no', fault: 'region' },
  /** The call is not a region call: bad path, header or method. Our own bug, or a stranger. */
  'bad-call': { status: 400, workStarted: 'no', fault: 'request' },
  /** The peer's certificate names another role or trust domain. */
  'forbidden-peer': { status: 403, workStarted: 'no', fault: 'region' },
  /** The body is over the ingress's limit. */
  'too-large': { status: 413, workStarted: 'no', fault: 'request' },
  /** The deadline passed before a worker started, and the work was withdrawn. */
  deadline: { status: 504, workStarted: 'no', fault: 'request' },
  /** The caller closed the connection, or the work was cancelled. */
  cancelled: { status: 499, workStarted: 'unknown', fault: 'request' },
  /** The caller did not take what was sent to it in time, so the work was ended. */
  'slow-reader': { status: 499, workStarted: 'yes', fault: 'request' },
  /** The message was published and nobody can say what became of it. */
  'no-answer': { status: 504, workStarted: 'unknown', fault: 'region' },
  /** The worker fell silent, or left out or repeated a frame. */
  'worker-lost': { status: 502, workStarted: 'yes', fault: 'region' },
  /** Ollama refused the connection or cut it. */
  'ollama-unreachable': { status: 502, workStarted: 'yes', fault: 'region' },
  /** Ollama was busy (its own queue is full); nothing was generated. */
  'ollama-busy': { status: 503, workStarted: 'no', fault: 'region' },
  /** Ollama was silent for longer than the limit of its phase. */
  'ollama-silent': { status: 504, workStarted: 'yes', fault: 'region' },
  /** Ollama answered 5xx, ended without `done`, or sent what is not its protocol. */
  'ollama-failed': { status: 502, workStarted: 'yes', fault: 'region' },
  /** Ollama has not enough memory for this model. */
  'out-of-memory': { status: 503, workStarted: 'yes', fault: 'region' },
  /** Ollama found the request itself at fault (4xx); its status and text are passed on. */
  'request-refused': { status: 400, workStarted: 'yes', fault: 'request' },
  /** Anything else, and every code that this build does not know. */
  internal: { status: 500, workStarted: 'unknown', fault: 'region' },
} as const satisfies Record<string, RegionErrorRow>

export type RegionErrorCode = keyof typeof REGION_ERRORS

/** A region's failure as it travels, in an error answer and in a `failed` frame. */
export interface RegionFailure {
  readonly code: RegionErrorCode
  readonly workStarted: WorkStarted
  readonly fault: Fault
  /** The model server's own status and text; present when `code` is `request-refused`. */
  readonly status?: number
  readonly message?: string
}

/** The longest text of a model server that travels in a failure, in characters. */
export const FAILURE_MESSAGE_MAX = 2_000

/** Makes a failure from its code; `overrides` state what is known better than the table. */
export function regionFailure(
  code: RegionErrorCode,
  overrides: Partial<Omit<RegionFailure, 'code'>> = {},
): RegionFailure {
  const { workStarted, fault } = REGION_ERRORS[code]
  return { code, workStarted, fault, ...overrides }
}

/** Writes a failure as JSON. A message over the limit is cut. */
export function encodeRegionFailure(failure: RegionFailure): string {
  const { message, ...rest } = failure
  if (message === undefined) return JSON.stringify(rest)
  return JSON.stringify({ ...rest, message: message.slice(0, FAILURE_MESSAGE_MAX) })
}

/**
 * Reads a failure. An unknown code is `internal`; a missing or unknown field takes the table's
 * value; text that is no JSON object is `internal` with nothing known.
 */
export function decodeRegionFailure(text: string): RegionFailure {
  const value = parseObject(text)
  const code = isRegionErrorCode(value.code) ? value.code : 'internal'
  const row: RegionErrorRow = REGION_ERRORS[code]
  const { workStarted, fault, status, message } = value
  return {
    code,
    workStarted: isWorkStarted(workStarted) ? workStarted : row.workStarted,
    fault: fault === 'region' || fault === 'request' ? fault : row.fault,
    ...(isHttpErrorStatus(status) ? { status } : {}),
    ...(typeof message === 'string' ? { message: message.slice(0, FAILURE_MESSAGE_MAX) } : {}),
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function isRegionErrorCode(value: unknown): value is RegionErrorCode {
  return typeof value === 'string' && Object.hasOwn(REGION_ERRORS, value)
}

function isWorkStarted(value: unknown): value is WorkStarted {
  return value === 'no' || value === 'unknown' || value === 'yes'
}

function isHttpErrorStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599
}
