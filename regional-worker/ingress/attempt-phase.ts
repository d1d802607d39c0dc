// pure

/** How far one attempt has come. Times are readings of one monotonic clock, in ms. */
export type AttemptPhase =
  /** Not published: its body is not here, or has been for less than a turn of the event loop. */
  | { readonly name: 'reading' }
  /** Published, and JetStream has not said what it did with it. */
  | {
      readonly name: 'publishing'
      /** Whether the last publish was answered by "no responders". */
      nobody: boolean
      repeats: number
    }
  /** In the stream, at `seq`. */
  | { readonly name: 'queued'; readonly seq: number; saidMs: number }
  /** A worker runs it. */
  | {
      readonly name: 'running'
      readonly worker: string
      heardMs: number
      /** Since when the worker is paused, because the reader is behind. */
      pausedMs: number | undefined
    }
  | { readonly name: 'over' }

export interface AttemptLimits {
  /** From publish to JetStream's answer. */
  readonly publishAnswerMs: number
  /** How long a publish is repeated that nobody took. */
  readonly publishRepeatMs: number
  /** How often a gateway hears that its work still waits. */
  readonly sayQueuedEveryMs: number
  /** Silence of a running worker. */
  readonly workerSilenceMs: number
  /** How long a reader may take nothing while the worker is paused for it. */
  readonly slowReaderMs: number
}

export interface AttemptTimes {
  /** When it was published first. */
  readonly publishedMs: number
  /** When a worker must have started. */
  readonly queueDeadlineAtMs: number
}

/** What is due: something to do, or the code with which the attempt ends. */
export type Due =
  | 'nothing'
  | 'publish-again'
  | 'say-queued'
  | 'not-accepting'
  | 'no-answer'
  | 'deadline'
  | 'worker-lost'
  | 'slow-reader'

/**
 * Decides what the passing of time asks of an attempt. Called for all attempts at one beat, so a
 * limit is met up to one beat late; a publish that found nobody is repeated at each beat.
 *
 * A paused worker is not measured by its silence: it was told to be silent.
 */
export function decideDue(
  phase: AttemptPhase,
  { publishedMs, queueDeadlineAtMs }: AttemptTimes,
  nowMs: number,
  limits: AttemptLimits,
): Due {
  switch (phase.name) {
    case 'reading': // Bounded by the listener's own limit for receiving a request.
      return 'nothing'
    case 'publishing': {
      const sinceMs = nowMs - publishedMs
      if (phase.nobody) return sinceMs >= limits.publishRepeatMs ? 'not-accepting' : 'publish-again'
      if (sinceMs >= limits.publishAnswerMs) return 'no-answer'
      return nowMs >= queueDeadlineAtMs ? 'deadline' : 'nothing'
    }
    case 'queued':
      if (nowMs >= queueDeadlineAtMs) return 'deadline'
      return nowMs - phase.saidMs >= limits.sayQueuedEveryMs ? 'say-queued' : 'nothing'
    case 'running':
      if (phase.pausedMs !== undefined) {
        return nowMs - phase.pausedMs >= limits.slowReaderMs ? 'slow-reader' : 'nothing'
      }
      return nowMs - phase.heardMs >= limits.workerSilenceMs ? 'worker-lost' : 'nothing'
    case 'over':
      return 'nothing'
    default:
      return phase satisfies never
  }
}
