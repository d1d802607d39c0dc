// pure

interface ErrorRow {
  readonly status: number
  /** Envoy's response flag, for access log and metrics; `-` is none. */
  readonly flag: string
  /** Who caused it; decides the log level: downstream info, upstream warn, internal error. */
  readonly source: 'downstream' | 'upstream' | 'internal'
  /** OpenAI's `type` of the error. */
  readonly type: string
  /** What an SDK is told: `stop` do not retry, `wait` retry later, `default` as it likes. */
  readonly retryHint: 'stop' | 'wait' | 'default'
}

/** What all mistakes of a client have in common. */
const CLIENT = {
  flag: '-',
  source: 'downstream',
  type: 'invalid_request_error',
  retryHint: 'stop',
} as const

/** Every way a request can fail, one row each. The key is the code that OpenAI's clients see. */
export const ERRORS = {
  invalid_json: { ...CLIENT, status: 400 },
  missing_parameter: { ...CLIENT, status: 400 },
  unsupported_parameter: { ...CLIENT, status: 400 },
  unknown_parameter: { ...CLIENT, status: 400 },
  invalid_value: { ...CLIENT, status: 400 },
  unsupported_capability: { ...CLIENT, status: 400 },
  ambiguous_request: { ...CLIENT, status: 400 },
  /** The model server's own verdict on the request: status and text are its, not the row's. */
  model_refused: { ...CLIENT, status: 400 },
  managed_at_region: { ...CLIENT, status: 403, type: 'permission_error' },
  /** The model is served, but only where the residency forbids: no waiting helps. */
  residency_forbidden: { ...CLIENT, status: 403, type: 'permission_error' },
  model_not_found: { ...CLIENT, status: 404 },
  unknown_url: { ...CLIENT, status: 404 },
  method_not_allowed: { ...CLIENT, status: 405 },
  request_timeout: { ...CLIENT, status: 408, retryHint: 'default' },
  request_too_large: { ...CLIENT, status: 413 },
  unsupported_encoding: { ...CLIENT, status: 415 },
  head_too_large: { ...CLIENT, status: 431 },
  client_closed: { ...CLIENT, status: 499, flag: 'DC' },
  overloaded: {
    status: 503,
    flag: 'UO',
    source: 'upstream',
    type: 'server_error',
    retryHint: 'wait',
  },
  no_region_available: {
    status: 503,
    flag: 'UH',
    source: 'upstream',
    type: 'server_error',
    retryHint: 'wait',
  },
  /** No region that the residency allows can take it now. */
  residency_unsatisfiable: {
    status: 503,
    flag: 'UH',
    source: 'upstream',
    type: 'server_error',
    retryHint: 'wait',
  },
  /** This gateway is ending: another one, or the next start, will answer. */
  draining: {
    status: 503,
    flag: 'SI',
    source: 'internal',
    type: 'server_error',
    retryHint: 'wait',
  },
  upstream_error: {
    status: 502,
    flag: 'UF',
    source: 'upstream',
    type: 'server_error',
    retryHint: 'default',
  },
  deadline_exceeded: {
    status: 504,
    flag: 'UT',
    source: 'upstream',
    type: 'server_error',
    retryHint: 'stop',
  },
  /** After the first content there is no status left: an error frame says it. */
  stream_interrupted: {
    status: 502,
    flag: 'UC',
    source: 'upstream',
    type: 'server_error',
    retryHint: 'default',
  },
  internal_error: {
    status: 500,
    flag: '-',
    source: 'internal',
    type: 'server_error',
    retryHint: 'default',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

export interface GatewayErrorOptions {
  /** One sentence for the client: no addresses, stacks, prompts or internal names. */
  readonly message?: string
  /** Path of the field at fault, such as `messages[2].content`. */
  readonly param?: string
  /** Status to answer instead of the row's: the model server's own 4xx. */
  readonly status?: number
  /** How long a client should wait before it tries again, in whole seconds. */
  readonly retryAfterS?: number
  readonly cause?: unknown
}

/** An operational failure with a code from the table; everything else is our own bug. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly row: ErrorRow
  readonly status: number
  readonly param: string | undefined
  readonly retryAfterS: number | undefined

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    super(options.message ?? MESSAGES[code], { cause: options.cause })
    this.code = code
    this.row = ERRORS[code]
    this.status = options.status ?? this.row.status
    this.param = options.param
    this.retryAfterS = options.retryAfterS
  }
}

/** What a client reads when the place that failed had nothing better to say. */
const MESSAGES: Readonly<Record<ErrorCode, string>> = {
  invalid_json: 'The request body is not valid JSON.',
  missing_parameter: 'A required parameter is missing.',
  unsupported_parameter: 'A parameter is not supported.',
  unknown_parameter: 'A parameter is not known.',
  invalid_value: 'A parameter has an invalid value.',
  unsupported_capability: 'The model cannot do what was asked.',
  ambiguous_request: 'The HTTP request can be read in more than one way.',
  model_refused: 'The model server refused the request.',
  managed_at_region: 'Models are managed at each region, not through this address.',
  model_not_found: 'The model does not exist here.',
  unknown_url: 'There is nothing at this URL.',
  method_not_allowed: 'The method is not allowed for this URL.',
  request_timeout: 'The request was not received in time.',
  request_too_large: 'The request body is too large.',
  unsupported_encoding: 'The content encoding is not supported: send the body as it is.',
  head_too_large: 'The request head is too large.',
  client_closed: 'The client closed the connection.',
  overloaded: 'Every region that may serve this request is full.',
  no_region_available: 'No region can serve this request now.',
  residency_unsatisfiable: 'No region that the residency allows can serve this request now.',
  residency_forbidden: 'The model is served only where the residency does not allow it.',
  draining: 'This gateway is shutting down.',
  upstream_error: 'The model server failed before it answered.',
  deadline_exceeded: 'The answer was not ready within its deadline.',
  stream_interrupted: 'The answer was interrupted and could not be continued.',
  internal_error: 'An unexpected error happened here.',
}
