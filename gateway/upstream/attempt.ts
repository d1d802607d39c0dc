import type { Dispatcher } from 'undici'
import { decodeRegionFailure, regionFailure } from '#wire/error-codes.ts'
import { type Frame, FrameReader } from '#wire/frames.ts'
import { FRAMES_TYPE, WORKER_HEADER } from '#wire/region-api.ts'
import { type Evidence, evidenceOfAnswer, evidenceOfFailure, evidenceOfLimit } from './evidence.ts'
import {
  type AttemptFailure,
  type AttemptPhase,
  failureOfPhase,
  failureOfRegion,
} from './failures.ts'
import type { AttemptOutcome } from './route.ts'

/** Time limits of the phases of one attempt, in ms. */
export interface PhaseLimits {
  readonly connectTimeoutMs: number
  /** From connected to written completely. */
  readonly sendTimeoutMs: number
  /** From written to the region's word that its queue has it. */
  readonly acceptTimeoutMs: number
  /** From there to a worker's start. */
  readonly queueTimeoutMs: number
  /** Silence that is borne while waiting in a queue and while an answer runs. */
  readonly silenceTimeoutMs: number
}

/** What an attempt tells the one who made it. */
export interface AttemptEvents {
  onAccepted(): void
  onStarted(workerId: string): void
  /** A delta, alive or done frame. Returns false to stop reading until `resume()`. */
  onFrame(frame: Frame): boolean
}

/** The longest error answer of a region that is read, in bytes. */
const ERROR_BODY_BYTES_MAX = 16_384

/**
 * One request to one region, from the connection to its last frame, as undici calls it. Phases
 * below 2 s have timers of our own, because undici's are as coarse as 500 ms. `outcome` is resolved
 * exactly once and never rejects; whatever arrives later is ignored.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<AttemptOutcome>
  readonly #events: AttemptEvents
  readonly #limits: PhaseLimits
  readonly #frames = new FrameReader()
  readonly #resolve: (outcome: AttemptOutcome) => void
  readonly #errorBody: Buffer[] = []
  #errorBodyBytes = 0
  #evidence: Evidence | undefined
  #status = 0
  #phase: AttemptPhase = 'connect'
  #timer: NodeJS.Timeout
  #queueTimer: NodeJS.Timeout | undefined
  #controller: Dispatcher.DispatchController | undefined
  #isPaused = false
  #isOver = false

  constructor(events: AttemptEvents, limits: PhaseLimits) {
    this.#events = events
    this.#limits = limits
    const { promise, resolve } = Promise.withResolvers<AttemptOutcome>()
    this.outcome = promise
    this.#resolve = resolve
    this.#timer = this.#timerOf(limits.connectTimeoutMs)
  }

  /** What it says of the region, once it has ended; `undefined` = nothing. */
  get evidence(): Evidence | undefined {
    return this.#evidence
  }

  /** Goes on reading after `onFrame` returned false; without that it does nothing. */
  resume(): void {
    if (this.#isOver || !this.#isPaused) return
    this.#isPaused = false
    this.#enter(this.#phase, this.#limits.silenceTimeoutMs)
    this.#controller?.resume()
  }

  /** Gives the attempt up: the connection is closed, which withdraws or cancels the work. */
  abort(failure: AttemptFailure): void {
    this.#cut(failure, undefined)
  }

  /** Ends it well before the region does: the answer is complete, and the model may stop. */
  stop(): void {
    if (this.#isOver) return
    this.#settle({ kind: 'answered' }, 'reached')
    this.#controller?.abort(new Error('answer complete'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown and not aborted: an abort would close the connection, which is good and may serve the
    // next request. Nothing has been written to it.
    if (this.#isOver) throw new Error('attempt has ended')
    this.#controller = controller
    this.#enter('send', this.#limits.sendTimeoutMs)
  }

  onBodySent(): void {
    if (this.#phase === 'send') this.#timer.refresh()
  }

  onRequestSent(): void {
    if (this.#phase === 'send') this.#enter('accept', this.#limits.acceptTimeoutMs)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#isOver) return
    if (status === 102) return this.#onQueued()
    if (status < 200) return // Any other interim response says nothing about the work.
    this.#status = status
    clearTimeout(this.#queueTimer)
    if (status !== 200) return this.#enter(this.#phase, this.#limits.silenceTimeoutMs)
    if (headers['content-type'] !== FRAMES_TYPE)
      return this.#failInPhase('content-type', 'infrastructure')
    this.#enter('start', this.#limits.silenceTimeoutMs)
    const workerId = headers[WORKER_HEADER]
    this.#events.onStarted(typeof workerId === 'string' ? workerId : '')
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    // Not refreshed by the body of an error: it is short, so its whole time is limited.
    if (this.#status !== 200) return this.#keepErrorBody(chunk)
    this.#timer.refresh()
    const { frames, fault } = this.#frames.push(chunk)
    for (const frame of frames) {
      this.#onFrame(controller, frame)
      if (this.#isOver) return
    }
    if (fault === undefined) return
    this.#cut({ ...failureOfRegion(regionFailure('worker-lost')), cause: fault }, 'infrastructure')
  }

  onResponseEnd(): void {
    if (this.#isOver) return clearTimeout(this.#timer)
    if (this.#status === 200) return this.#failInPhase('ended without done', 'connection')
    const body = Buffer.concat(this.#errorBody).toString()
    const failure = failureOfRegion(decodeRegionFailure(body))
    this.#cut(failure, evidenceOfAnswer(this.#status, body))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) clearTimeout(this.#timer)
    else this.#failInPhase(error, 'connection')
  }

  #onQueued(): void {
    if (this.#phase === 'queue') return void this.#timer.refresh()
    this.#queueTimer = setTimeout(
      () => this.#failInPhase('queue time', 'reached'), // It said 102 until now.
      this.#limits.queueTimeoutMs,
    )
    this.#enter('queue', this.#limits.silenceTimeoutMs)
    this.#events.onAccepted()
  }

  #onFrame(controller: Dispatcher.DispatchController, frame: Frame): void {
    switch (frame.type) {
      case 'started':
        return
      case 'failed': {
        const failure = decodeRegionFailure(frame.payload.toString())
        return this.#conclude(failureOfRegion(failure), evidenceOfFailure(failure.code))
      }
      case 'delta':
        this.#phase = 'content'
        break
      case 'alive':
        break
      case 'done':
        this.#phase = 'content'
        this.#events.onFrame(frame)
        return this.#conclude({ kind: 'answered' }, 'reached')
      default:
        frame.type satisfies never
    }
    if (this.#events.onFrame(frame) || this.#isOver) return
    // A reader that does not keep up is not the region's silence.
    this.#isPaused = true
    clearTimeout(this.#timer)
    controller.pause()
  }

  #keepErrorBody(chunk: Buffer): void {
    this.#errorBodyBytes += chunk.length
    if (this.#errorBodyBytes > ERROR_BODY_BYTES_MAX) {
      return this.#failInPhase('error body too large', 'infrastructure')
    }
    this.#errorBody.push(chunk)
  }

  #enter(phase: AttemptPhase, limitMs: number): void {
    this.#phase = phase
    clearTimeout(this.#timer)
    this.#timer = this.#timerOf(limitMs)
  }

  #timerOf(limitMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#isOver) this.#controller?.abort(new Error('answer does not end'))
      else this.#failInPhase(`${this.#phase} limit of ${limitMs} ms`, evidenceOfLimit(this.#phase))
    }, limitMs)
  }

  #failInPhase(cause: unknown, evidence: Evidence): void {
    this.#cut(failureOfPhase(this.#phase, cause), evidence)
  }

  /** Ends the attempt and closes its connection, unless the answer has ended by itself. */
  #cut(outcome: AttemptOutcome, evidence: Evidence | undefined): void {
    if (this.#isOver) return
    this.#settle(outcome, evidence)
    this.#controller?.abort(new Error('attempt has ended'))
  }

  /**
   * Ends the attempt with the region's last frame. The answer ends by itself behind it, which keeps
   * the connection for the next request; one that does not is cut when the silence has been long.
   */
  #conclude(outcome: AttemptOutcome, evidence: Evidence): void {
    if (this.#isOver) return
    this.#settle(outcome, evidence)
    this.#timer = this.#timerOf(this.#limits.silenceTimeoutMs)
    this.#controller?.resume() // Nobody else would: a frame before this one may have paused it.
  }

  #settle(outcome: AttemptOutcome, evidence: Evidence | undefined): void {
    this.#isOver = true
    this.#evidence = evidence
    clearTimeout(this.#timer)
    clearTimeout(this.#queueTimer)
    this.#resolve(outcome)
  }
}
