import type { RegionFailure } from '#wire/error-codes.ts'
import type { WorkHead } from '#wire/region-api.ts'
import { workIdOf } from '#wire/work-message.ts'
import type { AttemptPhase } from './attempt-phase.ts'
import type { Relay } from './relay.ts'
import { WorkFailed } from './work-failed.ts'

/**
 * One piece of work between its admission and its end: what the dispatcher knows of it, and two
 * things to wait for. It decides nothing; the dispatcher moves it on.
 */
export class Attempt {
  /** 128 random bits that name the frame inbox: who does not know them cannot send a frame. */
  readonly token: string
  readonly workId: string
  readonly head: WorkHead
  readonly queue: string
  readonly relay: Relay
  readonly openedMs: number
  publishedMs = 0
  phase: AttemptPhase = { name: 'reading' }
  /** Kept until a worker has started, for a repeated publish or a worker that fetches it. */
  body: Buffer | undefined
  /** From admission until a worker started, in ms; `undefined` before. */
  waitedMs: number | undefined
  /** Who runs it; `undefined` before the start. */
  worker: string | undefined
  readonly #start = Promise.withResolvers<WorkFailed | undefined>()
  readonly #end = Promise.withResolvers<WorkFailed | undefined>()

  constructor(token: string, head: WorkHead, queue: string, relay: Relay, nowMs: number) {
    this.token = token
    this.workId = workIdOf(head.requestId, head.attempt)
    this.head = head
    this.queue = queue
    this.relay = relay
    this.openedMs = nowMs
  }

  /** When a worker must have started, on the clock of `openedMs`. */
  get queueDeadlineAtMs(): number {
    return this.openedMs + this.head.queueDeadlineMs
  }

  /** Waits until a worker runs the work. @throws {WorkFailed} when that will not happen. */
  async untilStarted(): Promise<void> {
    const failed = await this.#start.promise
    if (failed !== undefined) throw failed
  }

  /** Waits for the last frame of a started attempt. @throws {WorkFailed} when it ends badly. */
  async untilEnded(): Promise<void> {
    const failed = await this.#end.promise
    if (failed !== undefined) throw failed
  }

  /** The dispatcher's word that a worker runs it. */
  started(worker: string, nowMs: number): void {
    this.worker = worker
    this.waitedMs = nowMs - this.openedMs
    this.body = undefined
    this.#start.resolve(undefined)
  }

  /** The dispatcher's word that the answer is complete. */
  done(): void {
    this.#end.resolve(undefined)
  }

  /** The dispatcher's word that it failed; `frame` when the worker itself said so. */
  failed(failure: RegionFailure, frame?: Uint8Array): void {
    const failed = new WorkFailed(failure, frame)
    this.body = undefined
    this.#start.resolve(failed)
    this.#end.resolve(failed)
  }
}
