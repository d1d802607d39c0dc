// pure
// Slow is worse than dead: a store that does not answer is left alone for a while, so that nobody
// waits for it again and again. One question then finds out whether it is back.

/**
 * `asking`: everybody may ask; counts the questions in a row that were not answered. `resting`:
 * nobody may until then. `trying`: one question is under way, and the others wait for what it
 * finds.
 */
export type CommandBreaker =
  | { readonly kind: 'asking'; readonly unanswered: number }
  | { readonly kind: 'resting'; readonly untilMs: number; readonly restMs: number }
  | { readonly kind: 'trying'; readonly restMs: number }

export interface BreakerLimits {
  /** So many questions in a row without an answer begin the first rest. */
  readonly unansweredMax: number
  /** The first rest; each that follows without an answer between them is twice as long. */
  readonly restMs: number
  readonly restMsMax: number
}

export const NEW_BREAKER: CommandBreaker = Object.freeze({ kind: 'asking', unanswered: 0 })

/** Whether a question may be asked now; `afterQuestion` must follow when it is. */
export function mayAsk(breaker: CommandBreaker, nowMs: number): boolean {
  switch (breaker.kind) {
    case 'asking':
      return true
    case 'resting':
      return nowMs >= breaker.untilMs
    case 'trying':
      return false
    default:
      return breaker satisfies never
  }
}

/** The first question after a rest is the one that tries. */
export function afterQuestion(breaker: CommandBreaker): CommandBreaker {
  return breaker.kind === 'resting' ? { kind: 'trying', restMs: breaker.restMs } : breaker
}

/** Any answer will do, also one that refuses, and one to a question from before the rest. */
export function afterAnswer(): CommandBreaker {
  return NEW_BREAKER
}

/** Questions that were under way when a rest began do not make it longer. */
export function afterSilence(
  breaker: CommandBreaker,
  nowMs: number,
  limits: BreakerLimits,
): CommandBreaker {
  switch (breaker.kind) {
    case 'asking': {
      const unanswered = breaker.unanswered + 1
      if (unanswered < limits.unansweredMax) return { kind: 'asking', unanswered }
      return rest(limits.restMs, nowMs)
    }
    case 'resting':
      return breaker
    case 'trying':
      return rest(Math.min(2 * breaker.restMs, limits.restMsMax), nowMs)
    default:
      return breaker satisfies never
  }
}

function rest(restMs: number, nowMs: number): CommandBreaker {
  return { kind: 'resting', untilMs: nowMs + restMs, restMs }
}
