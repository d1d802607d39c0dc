// pure

/**
 * How much this gateway has in flight to one queue of a region at most. The report says what the
 * region can do, the limit what it has shown: additive increase, multiplicative decrease.
 */
export interface InFlightLimit {
  /** May be fractional: `floor` of it holds. */
  readonly limit: number
  readonly slots: number
  readonly queueLimit: number
  /** Good starts since the last change. */
  readonly goodStarts: number
  readonly decreasedAtMs: number
}

export type InFlightEvent =
  | { readonly kind: 'reported'; readonly slots: number; readonly queueLimit: number }
  | { readonly kind: 'started-well' }
  /** An overload refusal, or no word within the accept limit. */
  | { readonly kind: 'overloaded'; readonly roundTripMs: number }

export interface InFlightOptions {
  readonly limitLeast: number
  readonly limitDecrease: number
}

/** The limit before the first report: none, because the slots are not known. */
export const NO_LIMIT: InFlightLimit = {
  limit: Number.POSITIVE_INFINITY,
  slots: Number.POSITIVE_INFINITY,
  queueLimit: 0,
  goodStarts: 0,
  decreasedAtMs: Number.NEGATIVE_INFINITY,
}

/**
 * Follows one event. The limit begins at slots and queue together, which is what the region says
 * that it takes: begun at the slots, a site of two slots would refuse its third client while its
 * queue is empty. It falls by a factor when the queue shows overload, once per round trip, because
 * refusals of one moment are one piece of news, and grows by 1 per `limit` good starts. One that
 * overload has not pushed down follows slots and queue when they change.
 */
export function nextInFlightLimit(
  state: InFlightLimit,
  event: InFlightEvent,
  nowMs: number,
  options: InFlightOptions,
): InFlightLimit {
  switch (event.kind) {
    case 'reported':
      return afterReport(state, event, options)
    case 'started-well': {
      const goodStarts = state.goodStarts + 1
      if (goodStarts < state.limit) return { ...state, goodStarts }
      return { ...state, goodStarts: 0, limit: bounded(state.limit + 1, state, options) }
    }
    case 'overloaded': {
      if (nowMs - state.decreasedAtMs < event.roundTripMs) return state
      const limit = bounded(state.limit * options.limitDecrease, state, options)
      return { ...state, limit, goodStarts: 0, decreasedAtMs: nowMs }
    }
    default:
      return event satisfies never
  }
}

function afterReport(
  state: InFlightLimit,
  { slots, queueLimit }: Extract<InFlightEvent, { kind: 'reported' }>,
  options: InFlightOptions,
): InFlightLimit {
  if (slots === state.slots && queueLimit === state.queueLimit) return state
  const isWhole = state.limit >= state.slots + state.queueLimit
  const limit = isWhole ? slots + queueLimit : state.limit
  return { ...state, slots, queueLimit, limit: bounded(limit, { slots, queueLimit }, options) }
}

function bounded(
  limit: number,
  { slots, queueLimit }: Pick<InFlightLimit, 'slots' | 'queueLimit'>,
  { limitLeast }: InFlightOptions,
): number {
  return Math.max(limitLeast, Math.min(limit, slots + queueLimit))
}
