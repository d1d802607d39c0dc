// What is left to do for attempts that ended before a worker's last frame. Their message may lie
// in the stream, be with a worker that has not acknowledged it, or be on its way to either, and
// deleting it succeeds in the first two cases alike. So a withdrawal is two things: delete the
// message, and for one more acknowledgement time cancel whoever still starts it.

import type { WorkStarted } from '#wire/error-codes.ts'
import { INTERACTIVE_STREAM, workerControlSubject } from '#wire/subjects.ts'
import { encodeWorkerCommand, type WorkerCommand } from '#wire/work-message.ts'
import type { Nats } from '../nats-connection.ts'
import { workerOfStarted } from './frame-order.ts'
import { decodePublishReply, isPublishReply } from './publish-reply.ts'

/** What is known of the message of an attempt that is given up. */
export type MessageTrace =
  /** JetStream stored it at `seq`. */
  | { readonly kind: 'stored'; readonly seq: number }
  /** It was published and JetStream's answer is still to come. */
  | { readonly kind: 'unanswered' }
  /** It was published, and what JetStream knew of it cannot be asked any more. */
  | { readonly kind: 'lost' }
  /** A worker took it. */
  | { readonly kind: 'taken' }

export interface WithdrawalLimits {
  /** How long to wait for JetStream's answer to a publish. */
  readonly publishAnswerMs: number
  /** `ack_wait` of the stream's consumers: how late a worker may still start what it holds. */
  readonly ackWaitMs: number
  /** `max_age` of the stream: how late a worker may start what was never deleted. */
  readonly messageAgeMs: number
}

/** The most attempts that are remembered; over it the oldest is forgotten, and may run in vain. */
export const WITHDRAWALS_MAX = 20_000

interface Withdrawal {
  readonly workId: string
  untilMs: number
  answerUntilMs: number
  /** Hears whether the work had started; absent when that is known or nobody asks. */
  tell: ((workStarted: WorkStarted) => void) | undefined
}

/** Withdraws attempts and watches for workers that start them nevertheless. */
export class Withdrawals {
  readonly #nats: Nats
  readonly #limits: WithdrawalLimits
  readonly #now: () => number
  readonly #left = new Map<string, Withdrawal>()

  constructor(nats: Nats, limits: WithdrawalLimits, now: () => number) {
    this.#nats = nats
    this.#limits = limits
    this.#now = now
  }

  get size(): number {
    return this.#left.size
  }

  /**
   * Takes an attempt back. Resolves with `no` when its message was deleted or never stored, with
   * `unknown` when a worker may have it; that one is cancelled as soon as it says that it starts.
   * Never rejects, and takes at most `publishAnswerMs` plus one call of JetStream's API.
   */
  withdraw(token: string, workId: string, trace: MessageTrace): Promise<WorkStarted> {
    const nowMs = this.#now()
    const stays = trace.kind === 'stored' || trace.kind === 'taken'
    const withdrawal: Withdrawal = {
      workId,
      untilMs: nowMs + (stays ? this.#limits.ackWaitMs : this.#limits.messageAgeMs),
      answerUntilMs: nowMs + this.#limits.publishAnswerMs,
      tell: undefined,
    }
    this.#remember(token, withdrawal)
    switch (trace.kind) {
      case 'stored':
        return this.#delete(withdrawal, trace.seq)
      case 'unanswered':
        return new Promise((resolve) => {
          withdrawal.tell = resolve
        })
      case 'lost':
      case 'taken':
        return Promise.resolve('unknown')
      default:
        return trace satisfies never
    }
  }

  /** Takes a message for an attempt that has ended. */
  take(token: string, message: Uint8Array, isNobody: boolean): void {
    const withdrawal = this.#left.get(token)
    if (withdrawal === undefined) return
    if (isNobody) return this.#settle(token, withdrawal)
    if (!isPublishReply(message)) {
      const worker = workerOfStarted(message)
      if (worker !== undefined) tellWorker(this.#nats, worker, 'cancel', withdrawal.workId)
      return
    }
    const reply = decodePublishReply(message)
    if (reply?.kind === 'full' || reply?.kind === 'refused') this.#settle(token, withdrawal)
    if (reply?.kind !== 'stored') return
    withdrawal.untilMs = this.#now() + this.#limits.ackWaitMs
    const { tell } = withdrawal
    withdrawal.tell = undefined
    void this.#delete(withdrawal, reply.seq).then((workStarted) => tell?.(workStarted))
  }

  /** Forgets what is past, and gives up waiting for answers that are late. */
  sweep(nowMs: number): void {
    for (const [token, withdrawal] of this.#left) {
      if (withdrawal.tell !== undefined && nowMs >= withdrawal.answerUntilMs) {
        withdrawal.tell('unknown')
        withdrawal.tell = undefined
      }
      if (nowMs >= withdrawal.untilMs) this.#left.delete(token)
    }
  }

  #remember(token: string, withdrawal: Withdrawal): void {
    if (this.#left.size >= WITHDRAWALS_MAX) {
      for (const [oldest, { tell }] of this.#left) {
        tell?.('unknown')
        this.#left.delete(oldest)
        break
      }
    }
    this.#left.set(token, withdrawal)
  }

  /** The message was never stored: nothing can start. */
  #settle(token: string, withdrawal: Withdrawal): void {
    withdrawal.tell?.('no')
    this.#left.delete(token)
  }

  async #delete(withdrawal: Withdrawal, seq: number): Promise<WorkStarted> {
    // After a loss the number may be that of somebody else's message in a new stream.
    if (!this.#nats.isConnected) return 'unknown'
    try {
      return (await this.#nats.deleteMessage(INTERACTIVE_STREAM, seq)) ? 'no' : 'unknown'
    } catch {
      withdrawal.untilMs = this.#now() + this.#limits.messageAgeMs
      return 'unknown'
    }
  }
}

/** Sends a worker a command about one attempt; it is lost when the worker or NATS is away. */
export function tellWorker(
  nats: Nats,
  worker: string,
  command: WorkerCommand['command'],
  workId: string,
): void {
  nats.publish(workerControlSubject(worker), encodeWorkerCommand({ command, workId }))
}
