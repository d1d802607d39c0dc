import {
  type InteractivePlanOptions,
  interactiveConsumerPlan,
  interactiveStreamPlan,
} from '#wire/streams.ts'
import { INTERACTIVE_STREAM } from '#wire/subjects.ts'
import { type Nats, NatsUnavailable, PlanDifference } from '../nats-connection.ts'
import type { Log } from '../observe/log.ts'
import { INITIAL_LANE, type LaneEvent, laneProblemOf, nextLaneState } from './lane-state.ts'

export interface LaneOptions {
  readonly nats: Nats
  readonly plan: InteractivePlanOptions
  readonly log: Log
  /** A monotonic clock, in ms. */
  readonly now: () => number
}

/** How often, without traffic, the stream is asked for as evidence that NATS answers, in ms. */
const CHECK_EVERY_MS = 2_000
/** How often it is asked for while the lane takes no work, in ms. */
const CHECK_AGAIN_MS = 250

/** The interactive lane: makes its stream and consumers, and knows whether it takes work. */
export class Lane {
  readonly #nats: Nats
  readonly #plan: InteractivePlanOptions
  readonly #log: Log
  readonly #now: () => number
  #state = INITIAL_LANE
  #evidenceMs = Number.NEGATIVE_INFINITY
  #isChecking = false

  constructor({ nats, plan, log, now }: LaneOptions) {
    this.#nats = nats
    this.#plan = plan
    this.#log = log
    this.#now = now
    if (nats.isConnected) this.#state = nextLaneState(INITIAL_LANE, 'connected')
  }

  /** Why the lane takes no work, as a code; `undefined` when it does. */
  get problem(): string | undefined {
    return laneProblemOf(this.#state)
  }

  /**
   * Makes what is absent, once. @throws {PlanDifference} when something exists with another
   * setting; {NatsUnavailable} when the server does not answer.
   */
  async ensure(): Promise<void> {
    await this.#nats.ensureStream(interactiveStreamPlan(this.#plan))
    for (const queue of this.#plan.queues) {
      await this.#nats.ensureConsumer(INTERACTIVE_STREAM, interactiveConsumerPlan(queue))
    }
    this.#evidenceMs = this.#now()
    this.#turn('ensured')
  }

  connectionChanged(isConnected: boolean): void {
    this.#evidenceMs = Number.NEGATIVE_INFINITY // A server that was started again has no streams.
    this.#turn(isConnected ? 'connected' : 'lost')
  }

  publishAnswered(): void {
    this.#evidenceMs = this.#now()
    this.#turn('answered')
  }

  publishFailed(why: 'nobody' | 'refused' | 'silence'): void {
    this.#turn(why === 'nobody' ? 'gone' : 'unanswered')
  }

  /** Starts a check when one is due. */
  sweep(nowMs: number): void {
    const everyMs = this.problem === undefined ? CHECK_EVERY_MS : CHECK_AGAIN_MS
    if (!this.#state.isConnected || this.#isChecking || nowMs - this.#evidenceMs < everyMs) return
    void this.#check()
  }

  async #check(): Promise<void> {
    this.#isChecking = true
    const wasProblem = this.problem
    try {
      await this.ensure()
      if (wasProblem !== undefined) this.#log.info({ lane: 'interactive' }, 'lane takes work')
    } catch (error) {
      this.#onCheckFailed(error)
    } finally {
      this.#isChecking = false
    }
  }

  #onCheckFailed(error: unknown): void {
    this.#evidenceMs = this.#now() // Evidence against it counts for the time of the next check.
    if (error instanceof PlanDifference) {
      const isNew = this.#state.streams !== 'differ'
      this.#turn('differs')
      if (isNew) this.#log.error({ error, lane: 'interactive' }, 'stream differs from the plan')
    } else if (error instanceof NatsUnavailable) this.#turn('unanswered')
    else throw error
  }

  #turn(event: LaneEvent): void {
    const before = this.problem
    this.#state = nextLaneState(this.#state, event)
    const problem = this.problem
    if (problem === before || problem === undefined) return
    this.#log.warn({ lane: 'interactive', reason: problem }, 'lane takes no work')
  }
}
