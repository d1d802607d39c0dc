// From admission to the last frame: one attempt's messages to JetStream, to its worker and back.
// One subscription serves all attempts, told apart by the token at the end of the subject, and one
// beat looks at all clocks: a subscription and timers for each would cost more than the work does.

import { decodeRegionFailure, type RegionErrorCode, regionFailure } from '#wire/error-codes.ts'
import { decodeFrame, frameSequenceOf, frameTypeOf } from '#wire/frames.ts'
import {
  bodyPartsOf,
  bodySubject,
  bodySubjectPrefix,
  encodeLargeBody,
  INLINE_BODY_BYTES_MAX,
  LARGE_BODY_HEADER,
} from '#wire/large-body.ts'
import type { WorkHead } from '#wire/region-api.ts'
import { frameInbox, frameInboxPrefix, interactiveSubject } from '#wire/subjects.ts'
import { encodeWorkMessageHead } from '#wire/work-message.ts'
import type { Nats, NatsMessage } from '../nats-connection.ts'
import { Attempt } from './attempt.ts'
import { type AttemptLimits, type AttemptPhase, decideDue } from './attempt-phase.ts'
import { answerPartRequest } from './body-parts.ts'
import { workerOfStarted } from './frame-order.ts'
import { decodePublishReply, isPublishReply } from './publish-reply.ts'
import type { Passage, Relay } from './relay.ts'
import { TokenSource } from './token-source.ts'
import { type MessageTrace, tellWorker, type WithdrawalLimits, Withdrawals } from './withdrawals.ts'

export interface DispatchObserver {
  publishAnswered(tookMs: number): void
  /** No stream took it, it was not stored for a reason other than room, or nothing was heard. */
  publishFailed(why: 'nobody' | 'refused' | 'silence'): void
  started(queue: string, waitedMs: number): void
  withdrawn(): void
  paused(): void
}

export interface DispatcherOptions {
  readonly nats: Nats
  readonly ingressId: string
  readonly queues: readonly string[]
  readonly limits: AttemptLimits & WithdrawalLimits
  readonly observer: DispatchObserver
  /** A monotonic clock, in ms. */
  readonly now: () => number
}

export interface DispatchLoad {
  /** Admitted and not started. */
  readonly queued: number
  readonly running: number
  /** The most that ran at once since the last beat. */
  readonly runningPeak: number
}

const NO_LOAD: DispatchLoad = { queued: 0, running: 0, runningPeak: 0 }
const NO_BODY = Buffer.alloc(0)
const NOBODY = 503
/** A beat that comes this late tells of a process that stood still, in ms. */
const LATE_BEAT_MS = 1_000

/** Owns all attempts of one ingress. `sweep` is to be called about ten times a second. */
export class Dispatcher {
  readonly #nats: Nats
  readonly #ingressId: string
  readonly #limits: AttemptLimits
  readonly #observer: DispatchObserver
  readonly #now: () => number
  readonly #tokens = new TokenSource()
  readonly #attempts = new Map<string, Attempt>()
  #outbox: Attempt[] = []
  readonly #withdrawals: Withdrawals
  readonly #loads: ReadonlyMap<string, { -readonly [Field in keyof DispatchLoad]: number }>
  readonly #unsubscribe: readonly (() => void)[]
  readonly #tokenAt: number
  #sweptMs: number
  #sparedBeat = false

  constructor(options: DispatcherOptions) {
    const { nats, ingressId, queues } = options
    this.#nats = nats
    this.#ingressId = ingressId
    this.#limits = options.limits
    this.#observer = options.observer
    this.#now = options.now
    this.#withdrawals = new Withdrawals(nats, options.limits, options.now)
    this.#loads = new Map(queues.map((queue) => [queue, { ...NO_LOAD }]))
    this.#sweptMs = options.now()
    this.#tokenAt = frameInboxPrefix(ingressId).length + 1
    this.#unsubscribe = [
      nats.subscribe(`${frameInboxPrefix(ingressId)}.*`, (message) => this.#receive(message)),
      nats.subscribe(`${bodySubjectPrefix(ingressId)}.*`, (message) => this.#givePart(message)),
    ]
  }

  /** Opens an attempt, which has its place in the queue from now on, before its body is here. */
  open(head: WorkHead, queue: string, relay: Relay): Attempt {
    const attempt = new Attempt(this.#tokens.next(), head, queue, relay, this.#now())
    this.#attempts.set(attempt.token, attempt)
    this.#count(queue, 1, 0)
    return attempt
  }

  /**
   * Publishes an open attempt and does not wait. Nothing happens when it has ended meanwhile.
   *
   * All that arrives in one turn of the event loop leaves in one write: with 32 requests at a time
   * that spares each of them 10 µs of CPU in here and 20 µs in nats-server.
   */
  publish(attempt: Attempt, body: Buffer): void {
    attempt.body = body
    this.#outbox.push(attempt)
    if (this.#outbox.length === 1) setImmediate(() => this.#emptyOutbox())
  }

  /**
   * Ends an attempt from our side: withdraws what waits and cancels what runs. What waits has ended
   * only when it is known whether it had started. Nothing happens when it is over.
   */
  giveUp(attempt: Attempt, code: RegionErrorCode): void {
    const { phase, token, workId } = attempt
    if (phase.name === 'over') return
    this.#leave(attempt)
    if (phase.name === 'reading') return attempt.failed(regionFailure(code, { workStarted: 'no' }))
    this.#observer.withdrawn()
    if (phase.name === 'running') {
      tellWorker(this.#nats, phase.worker, 'cancel', workId)
      void this.#withdrawals.withdraw(token, workId, { kind: 'taken' })
      return attempt.failed(regionFailure(code, { workStarted: 'yes' }))
    }
    void this.#withdrawals
      .withdraw(token, workId, this.#traceOf(phase))
      .then((workStarted) => attempt.failed(regionFailure(code, { workStarted })))
  }

  /** Gives up everything, as at the end of a drain. */
  giveUpAll(code: RegionErrorCode): void {
    for (const attempt of this.#attempts.values()) this.giveUp(attempt, code)
  }

  /**
   * Ends everything after the connection was lost: frames that were sent meanwhile are lost, and
   * the numbers of stored messages may not mean the same any more when it is back.
   */
  connectionLost(): void {
    for (const attempt of this.#attempts.values()) {
      this.giveUp(attempt, attempt.phase.name === 'running' ? 'worker-lost' : 'not-accepting')
    }
  }

  /** Looks at all clocks. `nowMs` is a reading of the clock that was given at the start. */
  sweep(nowMs: number): void {
    const lateMs = nowMs - this.#sweptMs
    this.#sweptMs = nowMs
    // After a standstill frames wait unread: they are heard before anyone is called silent.
    this.#sparedBeat = lateMs > LATE_BEAT_MS && !this.#sparedBeat
    if (this.#sparedBeat) return
    for (const attempt of this.#attempts.values()) this.#sweepOne(attempt, nowMs)
    this.#withdrawals.sweep(nowMs)
  }

  /** Counts what one queue holds; an unknown queue holds nothing. */
  loadOf(queue: string): DispatchLoad {
    return this.#loads.get(queue) ?? NO_LOAD
  }

  /** Forgets how much ran at once: a new beat begins. */
  beginBeat(): void {
    for (const load of this.#loads.values()) load.runningPeak = load.running
  }

  /** How long the oldest work of a queue has waited without a start, in ms; 0 when none waits. */
  oldestWaitMs(queue: string): number {
    let oldestMs = 0
    for (const attempt of this.#attempts.values()) {
      // In order of opening, so the first that waits is the oldest.
      if (attempt.queue !== queue || attempt.phase.name === 'running') continue
      oldestMs = this.#now() - attempt.openedMs
      break
    }
    return oldestMs
  }

  /** How many ended attempts are still watched for a late start. */
  get withdrawals(): number {
    return this.#withdrawals.size
  }

  /** Gives up what is left and hears nothing more. */
  close(): void {
    this.giveUpAll('draining')
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  #emptyOutbox(): void {
    const outbox = this.#outbox
    this.#outbox = []
    for (const attempt of outbox) {
      const { phase, body } = attempt
      if (phase.name !== 'reading' || body === undefined) continue // Given up meanwhile.
      attempt.publishedMs = this.#now()
      attempt.phase = { name: 'publishing', nobody: false, repeats: 0 }
      if (!this.#send(attempt, body)) this.#fail(attempt, 'not-accepting', 'no')
    }
  }

  #send(attempt: Attempt, body: Buffer): boolean {
    const { head, queue, token, openedMs } = attempt
    const deadlineMs = Math.max(1, Math.round(head.deadlineMs - (this.#now() - openedMs)))
    const inbox = frameInbox(this.#ingressId, token)
    const headers = encodeWorkMessageHead({ ...head, deadlineMs }, inbox)
    const isInline = body.length <= INLINE_BODY_BYTES_MAX
    if (!isInline) {
      const subject = bodySubject(this.#ingressId, token)
      headers.push([
        LARGE_BODY_HEADER,
        encodeLargeBody({ parts: bodyPartsOf(body.length), subject }),
      ])
    }
    const data = isInline ? body : NO_BODY
    return this.#nats.publish(interactiveSubject(queue), data, { reply: inbox, headers })
  }

  #receive(message: NatsMessage): void {
    const token = message.subject.slice(this.#tokenAt)
    const attempt = this.#attempts.get(token)
    const { data } = message
    const isNobody = data.length === 0 && message.status === NOBODY
    if (attempt === undefined) return this.#withdrawals.take(token, data, isNobody)
    if (isNobody) this.#onNobody(attempt)
    else if (isPublishReply(data)) this.#onPublishReply(attempt, data)
    else if (attempt.phase.name === 'running') this.#onFrame(attempt, data)
    else this.#onFirstFrame(attempt, data)
  }

  #onNobody({ phase }: Attempt): void {
    if (phase.name === 'publishing') phase.nobody = true
  }

  #onPublishReply(attempt: Attempt, message: Uint8Array): void {
    const { phase } = attempt
    const nowMs = this.#now()
    const reply = decodePublishReply(message)
    if (reply?.kind === 'refused') this.#observer.publishFailed('refused')
    else if (reply !== undefined) this.#observer.publishAnswered(nowMs - attempt.publishedMs)
    if (phase.name !== 'publishing') return // A worker was quicker: it has the work.
    // Somebody else's attempt has this id, or our own of before: whose frames would come?
    const isForeign = reply?.kind === 'stored' && reply.duplicate && phase.repeats === 0
    if (reply === undefined || isForeign) return this.#fail(attempt, 'no-answer', 'unknown')
    if (reply.kind === 'full') return this.#fail(attempt, 'overflow', 'no')
    if (reply.kind === 'refused') return this.#fail(attempt, 'not-accepting', 'no')
    // The next beat says so. Most work has started by then, which spares it 20 µs of CPU in here
    // and as much at the gateway; that waits five beats for a word.
    attempt.phase = { name: 'queued', seq: reply.seq, saidMs: Number.NEGATIVE_INFINITY }
  }

  #onFirstFrame(attempt: Attempt, message: Uint8Array): void {
    if (attempt.phase.name === 'reading') return // Not published: nobody can know the token.
    const worker = workerOfStarted(message)
    if (worker !== undefined && frameSequenceOf(message) === 1) {
      return this.#onStarted(attempt, worker, message)
    }
    const frame = decodeFrame(message)
    if (frame?.type !== 'failed') return this.giveUp(attempt, 'worker-lost')
    this.#leave(attempt)
    attempt.failed(decodeRegionFailure(frame.payload.toString()))
  }

  #onStarted(attempt: Attempt, worker: string, message: Uint8Array): void {
    const nowMs = this.#now()
    attempt.phase = { name: 'running', worker, heardMs: nowMs, pausedMs: undefined }
    this.#count(attempt.queue, -1, 1)
    attempt.started(worker, nowMs)
    this.#observer.started(attempt.queue, nowMs - attempt.openedMs)
    this.#onPassage(attempt, attempt.relay.begin(worker, message), message)
  }

  #onFrame(attempt: Attempt, message: Uint8Array): void {
    const { phase } = attempt
    if (phase.name !== 'running') return
    if (frameTypeOf(message) === 'started') return this.#onSecondStart(attempt, message)
    phase.heardMs = this.#now()
    this.#onPassage(attempt, attempt.relay.pass(message), message)
  }

  /** The first start has won; the rival is cancelled, and kept apart until it stops. */
  #onSecondStart(attempt: Attempt, message: Uint8Array): void {
    const rival = workerOfStarted(message)
    const winner = attempt.phase.name === 'running' ? attempt.phase.worker : undefined
    if (rival === undefined || rival === winner || frameSequenceOf(message) !== 1) {
      return this.giveUp(attempt, 'worker-lost')
    }
    tellWorker(this.#nats, rival, 'cancel', attempt.workId)
    if (!attempt.relay.admitRival()) this.giveUp(attempt, 'worker-lost')
  }

  #onPassage(attempt: Attempt, passage: Passage, message: Uint8Array): void {
    switch (passage) {
      case 'passed':
      case 'foreign':
        return
      case 'done':
        this.#leave(attempt)
        return attempt.done()
      case 'failed': {
        this.#leave(attempt)
        const text = decodeFrame(message)?.payload.toString() ?? ''
        return attempt.failed(decodeRegionFailure(text), message.slice())
      }
      case 'reader-behind':
        return this.#pause(attempt)
      case 'reader-lost':
        return this.giveUp(attempt, 'slow-reader')
      case 'broken':
        return this.giveUp(attempt, 'worker-lost')
      default:
        return passage satisfies never
    }
  }

  #pause(attempt: Attempt): void {
    const { phase, relay, workId } = attempt
    if (phase.name !== 'running' || phase.pausedMs !== undefined) return
    phase.pausedMs = this.#now()
    this.#observer.paused()
    tellWorker(this.#nats, phase.worker, 'pause', workId)
    relay.whenDrained(() => {
      if (attempt.phase !== phase) return
      phase.pausedMs = undefined
      phase.heardMs = this.#now()
      tellWorker(this.#nats, phase.worker, 'resume', workId)
    })
  }

  #sweepOne(attempt: Attempt, nowMs: number): void {
    const { phase } = attempt
    const due = decideDue(phase, attempt, nowMs, this.#limits)
    switch (due) {
      case 'nothing':
        return
      case 'say-queued':
        if (phase.name === 'queued') phase.saidMs = nowMs
        return attempt.relay.sayQueued()
      case 'publish-again':
        return this.#publishAgain(attempt)
      case 'not-accepting':
        this.#observer.publishFailed('nobody')
        return this.#fail(attempt, 'not-accepting', 'no')
      case 'no-answer':
        this.#observer.publishFailed('silence')
        void this.#withdrawals.withdraw(attempt.token, attempt.workId, { kind: 'unanswered' })
        return this.#fail(attempt, 'no-answer', 'unknown')
      default:
        return this.giveUp(attempt, due)
    }
  }

  #publishAgain(attempt: Attempt): void {
    const { phase, body } = attempt
    if (phase.name !== 'publishing' || body === undefined) return
    phase.nobody = false
    phase.repeats += 1
    if (!this.#send(attempt, body)) this.#fail(attempt, 'not-accepting', 'no')
  }

  #fail(attempt: Attempt, code: RegionErrorCode, workStarted: 'no' | 'unknown'): void {
    this.#leave(attempt)
    attempt.failed(regionFailure(code, { workStarted }))
  }

  #leave(attempt: Attempt): void {
    const { phase, queue, token } = attempt
    if (phase.name === 'over') return
    if (phase.name === 'running') this.#count(queue, 0, -1)
    else this.#count(queue, -1, 0)
    attempt.phase = { name: 'over' }
    this.#attempts.delete(token)
  }

  #count(queue: string, queued: number, running: number): void {
    const load = this.#loads.get(queue)
    if (load === undefined) return
    load.queued += queued
    load.running += running
    load.runningPeak = Math.max(load.runningPeak, load.running)
  }

  #traceOf(phase: AttemptPhase): MessageTrace {
    if (!this.#nats.isConnected) return { kind: 'lost' }
    return phase.name === 'queued' ? { kind: 'stored', seq: phase.seq } : { kind: 'unanswered' }
  }

  #givePart(message: NatsMessage): void {
    const token = message.subject.slice(this.#tokenAt + 'body.'.length)
    answerPartRequest(this.#nats, message, this.#attempts.get(token)?.body)
  }
}
