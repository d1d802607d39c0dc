import type { Frame } from '#wire/frames.ts'
import type { Priority, WorkHead } from '#wire/region-api.ts'
import type { AnswerEncoder, InnerRequest } from './dialects/dialect.ts'
import { AnswerWriter } from './downstream/answer-writer.ts'
import type { ClientStream } from './downstream/client-stream.ts'
import { type ErrorCode, GatewayError } from './errors.ts'
import type { AttemptRecord, RequestContext } from './request-context.ts'
import type { AttemptReport, RequestRouting } from './routing.ts'
import type { Attempt, AttemptEvents } from './upstream/attempt.ts'
import type { AttemptFailure } from './upstream/failures.ts'
import type { AttemptLimits, RequestProgress } from './upstream/retry-policy.ts'
import type { AttemptOutcome } from './upstream/route.ts'

/** What the attempts of a request need of the stations. */
export interface AttemptStations {
  startAttempt(regionId: string, head: WorkHead, body: string, events: AttemptEvents): Attempt
  /** Name of the model at a region, which may be written otherwise than the client wrote it. */
  modelNameAt(regionId: string, model: string): string
  answerHeaders(context: RequestContext, inner: InnerRequest): Record<string, string | number>
  nowMs(): number
  /** Whole seconds since 1970, for what an answer says of itself. */
  wallClockS(): number
  readonly limits: GenerationLimits
}

export interface GenerationLimits extends AttemptLimits {
  /** From the head of the request to the first content of its answer. */
  readonly firstContentDeadlineMs: number
  readonly totalDeadlineMs: number
  readonly queueTimeoutMs: number
  readonly heartbeatEveryMs: number
}

/** How a request goes over the regions, and in which class. */
export interface RequestWay {
  readonly routing: Pick<RequestRouting, 'begin' | 'hop'>
  readonly priority: Priority
}

/** The request whose attempts are made: its record and its client. */
export interface RequestInWork {
  readonly context: RequestContext
  readonly stream: ClientStream
}

/**
 * The attempts of one request, one after the other. The deadline, the client and the writer outlive
 * each of them.
 */
export class GenerationAttempts {
  readonly #stations: AttemptStations
  readonly #exchange: RequestInWork
  readonly #inner: InnerRequest
  readonly #way: RequestWay
  readonly #writer: AnswerWriter
  readonly #body: string
  #deadlineTimer: NodeJS.Timeout
  #attempt: Attempt | undefined
  #ended: AttemptFailure | undefined
  #hasContent = false

  constructor(
    stations: AttemptStations,
    exchange: RequestInWork,
    inner: InnerRequest,
    way: RequestWay,
  ) {
    const { context, stream } = exchange
    this.#stations = stations
    this.#exchange = exchange
    this.#inner = inner
    this.#way = way
    const encoder = this.#newEncoder(inner.model)
    this.#body = JSON.stringify(inner.body)
    context.isStream = encoder.isStream
    this.#writer = new AnswerWriter(
      {
        stream,
        heartbeatEveryMs: stations.limits.heartbeatEveryMs,
        isStream: encoder.isStream,
        headers: () => stations.answerHeaders(context, inner),
        onCommit: () => this.#committed(),
      },
      encoder,
    )
    stream.onGone(() => this.#giveUp('client_closed'))
    stream.onDrain(() => this.#attempt?.resume())
    this.#deadlineTimer = this.#deadlineAt(stations.limits.firstContentDeadlineMs)
  }

  /** Runs one attempt to its end. Never rejects. */
  async attempt(regionId: string, number: number): Promise<AttemptOutcome> {
    if (this.#ended !== undefined) return this.#ended
    const { context } = this.#exchange
    const record: AttemptRecord = { regionId, startedMs: this.#stations.nowMs() }
    context.attempts.push(record)
    const there = this.#stations.modelNameAt(regionId, this.#inner.model)
    if (number > 1 || !this.#isSpeltAlike(there)) this.#writer.restart(this.#newEncoder(there))
    const head = this.#headFor(there, number)
    const report = this.#way.routing.begin(record)
    const attempt = this.#stations.startAttempt(
      regionId,
      head,
      this.#bodyFor(there),
      this.#eventsOf(record, report),
    )
    this.#attempt = attempt
    const outcome = await attempt.outcome
    record.endedMs = this.#stations.nowMs()
    if (outcome.kind === 'answered') record.outcome = 'answered'
    else Object.assign(record, { outcome: outcome.code, workStarted: outcome.workStarted })
    report.ended(outcome)
    this.#noteUsage()
    return outcome
  }

  progress(attempts: number): RequestProgress {
    const { context } = this.#exchange
    return {
      attempts,
      committed: this.#writer.isCommitted,
      nowMs: this.#stations.nowMs(),
      deadlineMs: context.startedMs + this.#stations.limits.firstContentDeadlineMs,
    }
  }

  fail(error: GatewayError): void {
    this.#writer.fail(error)
  }

  close(): void {
    clearTimeout(this.#deadlineTimer)
    this.#writer.close()
  }

  /** `there` is the model as the region was given it. */
  #newEncoder(there: string): AnswerEncoder {
    const { requestId } = this.#exchange.context
    const facts = { requestId, createdS: this.#stations.wallClockS() }
    if (this.#isSpeltAlike(there)) return this.#inner.startAnswer(facts)
    return this.#inner.startAnswer({ ...facts, answerModel: this.#inner.model })
  }

  /** The body with the model as the region writes it: Ollama itself minds upper and lower case. */
  #bodyFor(model: string): string {
    if (this.#isSpeltAlike(model)) return this.#body
    return JSON.stringify({ ...this.#inner.body, model })
  }

  #isSpeltAlike(there: string): boolean {
    const { model } = this.#inner
    return there === model || there === `${model}:latest`
  }

  #headFor(model: string, attempt: number): WorkHead {
    const { context } = this.#exchange
    const { limits, nowMs } = this.#stations
    const spentMs = Math.floor(nowMs() - context.startedMs)
    return {
      requestId: context.requestId,
      attempt,
      kind: this.#inner.kind,
      model,
      deadlineMs: Math.max(1, limits.totalDeadlineMs - spentMs),
      queueDeadlineMs: Math.max(
        1,
        Math.min(limits.queueTimeoutMs, Math.floor((limits.firstContentDeadlineMs - spentMs) / 2)),
      ),
      priority: this.#way.priority,
      hop: this.#way.routing.hop,
      ...(context.affinity === undefined ? {} : { affinity: context.affinity.hash }),
    }
  }

  #eventsOf(record: AttemptRecord, report: AttemptReport): AttemptEvents {
    const { nowMs } = this.#stations
    return {
      onAccepted: () => {
        record.acceptedMs = nowMs()
      },
      onStarted: (workerId) => {
        record.workerStartedMs = nowMs()
        record.workerId = workerId
        report.started()
      },
      onFrame: (frame) => this.#onFrame(frame, record),
    }
  }

  #onFrame(frame: Frame, record: AttemptRecord): boolean {
    try {
      if (frame.type !== 'alive') {
        record.firstContentMs ??= this.#stations.nowMs()
        this.#contentBegan()
      }
      const keepsUp = this.#writer.onFrame(frame)
      if (this.#writer.isFinished && frame.type !== 'done') this.#attempt?.stop()
      return keepsUp
    } catch (error) {
      // What the model server sent is not its protocol: this attempt failed, the next may not.
      const code = error instanceof GatewayError ? error.code : 'internal_error'
      const fault = code === 'internal_error' ? 'client' : 'region'
      this.#attempt?.abort({ kind: 'failed', code, fault, workStarted: 'yes', cause: error })
      return true
    }
  }

  #committed(): void {
    const { context } = this.#exchange
    context.committedMs = this.#stations.nowMs()
    context.status = 200
    const regionId = context.attempts.at(-1)?.regionId
    if (regionId !== undefined) context.regionId = regionId
  }

  #contentBegan(): void {
    if (this.#hasContent) return
    this.#hasContent = true
    clearTimeout(this.#deadlineTimer)
    this.#deadlineTimer = this.#deadlineAt(this.#stations.limits.totalDeadlineMs)
  }

  /** A timer for the moment that lies `deadlineMs` after the request's start. */
  #deadlineAt(deadlineMs: number): NodeJS.Timeout {
    const leftMs = this.#exchange.context.startedMs + deadlineMs - this.#stations.nowMs()
    return setTimeout(() => this.#giveUp('deadline_exceeded'), Math.max(1, leftMs))
  }

  #giveUp(code: Extract<ErrorCode, 'client_closed' | 'deadline_exceeded'>): void {
    this.#ended = { kind: 'failed', code, fault: 'client', workStarted: 'unknown' }
    this.#attempt?.abort(this.#ended)
  }

  #noteUsage(): void {
    const { inputTokens, outputTokens } = this.#writer.encoder.usage
    if (inputTokens !== undefined) this.#exchange.context.inputTokens = inputTokens
    if (outputTokens !== undefined) this.#exchange.context.outputTokens = outputTokens
  }
}
