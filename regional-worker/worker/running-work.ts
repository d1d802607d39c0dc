import { regionFailure } from '#wire/error-codes.ts'
import { workerInboxPrefix } from '#wire/subjects.ts'
import { type WorkMessageHead, workIdOf } from '#wire/work-message.ts'
import type { Commandable } from './commands.ts'
import { FramesOut } from './frames-out.ts'
import type { ModelFacts } from './model-facts.ts'
import type { OllamaCall, OllamaEnd } from './ollama-client.ts'
import type { Outbox } from './outbox.ts'
import {
  type CallProgress,
  estimatePromptTokens,
  isTooSilent,
  mayUseTools,
  type PhaseLimits,
  phaseOf,
  prefillRestMs,
} from './phase-limits.ts'
import type { WorkOutcome } from './work-outcome.ts'
import type { WorkTimes } from './worker-metrics.ts'

/** How often running work looks at its limits and its silence, in ms. */
const TICK_MS = 250

export interface RunningWorkParts {
  readonly outbox: Pick<Outbox, 'publish' | 'publishSoon' | 'atTurnEnd'>
  readonly workerId: string
  readonly facts: ModelFacts
  readonly limits: PhaseLimits
}

/**
 * One piece of work from its message to its last frame: what it has said, what it waits for, and
 * why it was stopped. Its timer runs from the start until `close`.
 */
export class RunningWork implements Commandable {
  readonly id: string
  readonly head: WorkMessageHead
  /** Last part of its inbox: unguessable, and the name of its replies. */
  readonly token: string
  readonly frames: FramesOut
  readonly #workerId: string
  readonly #facts: ModelFacts
  readonly #limits: PhaseLimits
  readonly #receivedMs = performance.now()
  readonly #timer: NodeJS.Timeout
  #call: OllamaCall | undefined
  #calledMs: number | undefined
  #firstOutputMs: number | undefined
  #lastOutputMs = 0
  #outputBytes = 0
  #promptTokens = 0
  #usesTools = false
  #isPaused = false
  #stopped: WorkOutcome | undefined

  constructor({ outbox, workerId, facts, limits }: RunningWorkParts, head: WorkMessageHead) {
    this.id = workIdOf(head.requestId, head.attempt)
    this.head = head
    this.token = head.inbox.slice(head.inbox.lastIndexOf('.') + 1)
    const goneSubject = `${workerInboxPrefix(workerId)}.gone.${this.token}`
    this.frames = new FramesOut({ outbox, inbox: head.inbox, goneSubject })
    this.#workerId = workerId
    this.#facts = facts
    this.#limits = limits
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Whether the model itself answers, and not Ollama about it. */
  get asksModel(): boolean {
    return this.head.kind !== 'show'
  }

  get outputBytes(): number {
    return this.#outputBytes
  }

  /** Why it was stopped from outside, before Ollama's answer came to its end. */
  get stopped(): WorkOutcome | undefined {
    return this.#stopped
  }

  times(nowMs: number): WorkTimes {
    return {
      receivedMs: this.#receivedMs,
      calledMs: this.#calledMs,
      firstOutputMs: this.#firstOutputMs,
      endedMs: nowMs,
    }
  }

  /** Says that it has started: Ollama is called with `body` now. */
  begin(body: Buffer): void {
    this.#promptTokens = estimatePromptTokens(body.length)
    this.#usesTools = mayUseTools(body)
    this.#calledMs = performance.now()
    this.#lastOutputMs = this.#calledMs
    this.frames.started(this.#workerId, this.#calledMs)
  }

  /** Gives it the call to steer; what was said before takes effect now. */
  steer(call: OllamaCall): void {
    this.#call = call
    if (this.#isPaused) call.pause()
    if (this.#stopped !== undefined) call.abort()
  }

  /** Passes Ollama's output on. */
  readonly passOn = (bytes: Buffer): void => {
    this.#noteOutput(bytes)
    this.frames.content(bytes)
  }

  /** Turns the end of the call into the end of the work. */
  outcomeOf(end: OllamaEnd): WorkOutcome {
    if (end.kind !== 'aborted') {
      if (end.kind === 'done') this.#noteOutput(end.last)
      return end
    }
    return this.#stopped ?? { kind: 'cancelled' }
  }

  /** Waits until Ollama's connection has nothing left of this, and cuts it after `limitMs`. */
  async quiet(limitMs: number): Promise<void> {
    await this.#call?.quiet(limitMs)
  }

  /** For how long Ollama may still work on this after it was told to stop, in ms; else 0. */
  prefillRestMs(nowMs: number): number {
    const call = this.#progress()
    if (call === undefined || this.#stopped === undefined) return 0
    return prefillRestMs(call, this.#facts.prefillMsPerToken(this.head.model), nowMs)
  }

  /** Ends it for this reason unless it was stopped already; Ollama's connection is closed. */
  stop(outcome: WorkOutcome): void {
    if (this.#stopped !== undefined) return
    this.#stopped = outcome
    this.#call?.abort()
  }

  readonly cancel = (): void => this.stop({ kind: 'cancelled' })

  readonly pause = (): void => {
    this.#isPaused = true
    this.#call?.pause()
  }

  readonly resume = (): void => {
    this.#isPaused = false
    this.#lastOutputMs = performance.now() // Ollama could say nothing while nobody listened.
    this.#call?.resume()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #noteOutput(bytes: Buffer): void {
    this.#lastOutputMs = performance.now()
    this.#outputBytes += bytes.length
    if (this.#firstOutputMs !== undefined) return
    this.#firstOutputMs = this.#lastOutputMs
    if (this.asksModel) this.#facts.noteOutput(this.head.model, this.#lastOutputMs)
  }

  #tick(): void {
    const nowMs = performance.now()
    this.frames.flush(nowMs)
    if (this.frames.isStuck(nowMs)) return this.stop({ kind: 'abandoned', because: 'nats-away' })
    if (nowMs - this.#receivedMs >= this.head.deadlineMs) {
      return this.stop({ kind: 'failed', failure: LATE })
    }
    const call = this.#progress()
    if (call === undefined) return
    if (isTooSilent(call, this.#limits, nowMs)) {
      return this.stop({ kind: 'failed', failure: SILENT })
    }
    this.frames.aliveIfSilent(phaseOf(call), nowMs)
  }

  #progress(): CallProgress | undefined {
    if (this.#calledMs === undefined) return undefined
    return {
      calledMs: this.#calledMs,
      residentSinceMs: this.#facts.residentSinceMs(this.head.model),
      promptTokens: this.#promptTokens,
      usesTools: this.#usesTools,
      hasOutput: this.#firstOutputMs !== undefined,
      lastOutputMs: this.#lastOutputMs,
      isPaused: this.#isPaused,
    }
  }
}

const LATE = regionFailure('deadline', { workStarted: 'yes' })
const SILENT = regionFailure('ollama-silent')
