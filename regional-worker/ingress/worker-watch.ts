import { WORKER_HEARTBEATS, WORKER_OFFLINES } from '#wire/subjects.ts'
import { decodeWorkerHeartbeat, HEARTBEAT_BYTES_MAX } from '#wire/worker-heartbeat.ts'
import type { Nats, NatsMessage } from '../nats-connection.ts'
import { WORKERS_MAX, WorkerRegistry, type WorkersView } from './worker-registry.ts'

export interface WorkerWatchOptions {
  readonly nats: Nats
  readonly queues: readonly string[]
  /** A monotonic clock, in ms. */
  readonly now: () => number
}

/** How often the view is made anew when nothing was heard, so that silence is noticed, in ms. */
const VIEW_AGE_MAX_MS = 500

/**
 * Listens to the workers of the region. A worker speaks at each change of its slots, which is twice
 * for each piece of work; so its words are read at the next beat only, and only the last of them. A
 * worker that was unknown is read at once.
 */
export class WorkerWatch {
  readonly #registry: WorkerRegistry
  readonly #now: () => number
  readonly #unread = new Map<string, { readonly text: Buffer; readonly heardMs: number }>()
  readonly #unsubscribe: readonly (() => void)[]
  #view: WorkersView
  #viewedMs: number

  constructor({ nats, queues, now }: WorkerWatchOptions) {
    this.#registry = new WorkerRegistry(queues)
    this.#now = now
    this.#viewedMs = now()
    this.#view = this.#registry.view(this.#viewedMs)
    this.#unsubscribe = [
      nats.subscribe(WORKER_HEARTBEATS, (message) => this.#hear(message)),
      nats.subscribe(WORKER_OFFLINES, (message) => this.#hearOffline(message)),
    ]
  }

  /** The workers as of the last beat. */
  get view(): WorkersView {
    return this.#view
  }

  /** How many workers are known, well or not. */
  get size(): number {
    return this.#registry.size
  }

  /** Reads what was heard since the last beat. Cheap when that is nothing. */
  sweep(nowMs: number): void {
    if (this.#unread.size === 0 && nowMs - this.#viewedMs < VIEW_AGE_MAX_MS) return
    for (const [worker, { text, heardMs }] of this.#unread) this.#read(worker, text, heardMs)
    this.#unread.clear()
    this.#look(nowMs)
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  #hear({ subject, data }: NatsMessage): void {
    const worker = lastTokenOf(subject)
    const nowMs = this.#now()
    if (data.length > HEARTBEAT_BYTES_MAX || this.#unread.size >= WORKERS_MAX) return
    const text = Buffer.from(data) // A copy: the connection reuses its buffer.
    if (this.#registry.has(worker)) this.#unread.set(worker, { text, heardMs: nowMs })
    else if (this.#read(worker, text, nowMs)) this.#look(nowMs)
  }

  #hearOffline({ subject }: NatsMessage): void {
    const worker = lastTokenOf(subject)
    this.#unread.delete(worker)
    this.#registry.forget(worker)
    this.#look(this.#now())
  }

  #read(worker: string, text: Buffer, heardMs: number): boolean {
    const heartbeat = decodeWorkerHeartbeat(text.toString(), worker)
    if (heartbeat !== undefined) this.#registry.record(heartbeat, heardMs)
    return heartbeat !== undefined
  }

  #look(nowMs: number): void {
    this.#viewedMs = nowMs
    this.#view = this.#registry.view(nowMs)
  }
}

function lastTokenOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}
