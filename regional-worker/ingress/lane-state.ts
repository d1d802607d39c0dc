// pure

/** What is known of one lane's stream. */
export interface LaneState {
  readonly isConnected: boolean
  readonly streams: 'unknown' | 'ensured' | 'differ'
  /** Publishes and checks in a row without an answer. */
  readonly unanswered: number
}

export type LaneEvent =
  | 'connected'
  | 'lost'
  /** Stream and consumers are there as planned; so the server also answers. */
  | 'ensured'
  /** One of them exists with another setting. */
  | 'differs'
  | 'answered'
  | 'unanswered'
  /** The server says that there is no stream. */
  | 'gone'

export const INITIAL_LANE: LaneState = { isConnected: false, streams: 'unknown', unanswered: 0 }

/** One unanswered publish may be a lost packet. */
const UNANSWERED_MAX = 2

/** Takes one event in. What was known of the streams does not outlive the connection. */
export function nextLaneState(state: LaneState, event: LaneEvent): LaneState {
  switch (event) {
    case 'connected':
      return { ...INITIAL_LANE, isConnected: true }
    case 'lost':
      return INITIAL_LANE
    case 'ensured':
      return { ...state, streams: 'ensured', unanswered: 0 }
    case 'differs':
      return { ...state, streams: 'differ' }
    case 'answered':
      return { ...state, unanswered: 0 }
    case 'unanswered':
      return { ...state, unanswered: state.unanswered + 1 }
    case 'gone':
      return { ...state, streams: 'unknown' }
    default:
      return event satisfies never
  }
}

/** Tells whether the lane takes work, and if not, why: a code for reports. */
export function laneProblemOf(state: LaneState): string | undefined {
  if (!state.isConnected) return 'nats-away'
  if (state.streams === 'differ') return 'streams-differ'
  if (state.streams === 'unknown') return 'streams-unknown'
  return state.unanswered >= UNANSWERED_MAX ? 'publishes-unanswered' : undefined
}
