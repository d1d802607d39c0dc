import { setTimeout } from 'node:timers/promises'
import { regionFailure } from '#wire/error-codes.ts'
import { workerInboxPrefix } from '#wire/subjects.ts'
import { BUILD_VERSION, WIRE } from '#wire/version.ts'
import type { WorkerHeartbeat } from '#wire/worker-heartbeat.ts'
import type { Readiness } from '../admin-listener.ts'
import type { Nats, NatsMessage } from '../nats-connection.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { takeCommands } from './commands.ts'
import type { WorkerConfig } from './config.ts'
import { startBodyFetcher } from './fetch-body.ts'
import { type Heartbeats, startHeartbeats } from './heartbeats.ts'
import { ModelFacts } from './model-facts.ts'
import { type ModelList, startModelList } from './model-list.ts'
import { createOllamaClient, type OllamaClient } from './ollama-client.ts'
import { Outbox } from './outbox.ts'
import { type PullLoop, startPullLoop } from './pull-loop.ts'
import { type RunWorkParts, runWork } from './run-work.ts'
import type { RunningWork } from './running-work.ts'
import { Slots } from './slots.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

export interface ConnectedWorkerOptions {
  readonly config: WorkerConfig
  readonly log: Log
  readonly metrics: Metrics
  /** Handed over: the worker closes it. */
  readonly nats: Nats
}

/** Joins the parts of a worker, from its connection to NATS on, and lets them go in turn. */
export class ConnectedWorker {
  readonly #config: WorkerConfig
  readonly #log: Log
  readonly #nats: Nats
  readonly #outbox: Outbox
  readonly #ollama: OllamaClient
  readonly #slots: Slots
  readonly #facts: ModelFacts
  readonly #running = new Map<string, RunningWork>()
  /** Everything that is between its message and its end. */
  readonly #active = new Set<Promise<void>>()
  readonly #models: ModelList
  readonly #heartbeats: Heartbeats
  readonly #pulls: PullLoop
  #processed = 0
  #isLeaving = false
  /** What was last said about readiness. */
  #said = 'starting'
  #closed: Promise<void> | undefined

  constructor({ config, log, metrics: registry, nats }: ConnectedWorkerOptions) {
    const { workerId, ollamaUrl, slots, queues, limits } = config
    this.#config = config
    this.#log = log
    this.#nats = nats
    this.#outbox = new Outbox(nats)
    const outbox = this.#outbox
    this.#ollama = createOllamaClient(ollamaUrl, slots)
    this.#slots = new Slots(slots)
    this.#facts = new ModelFacts(config)
    const metrics = createWorkerMetrics(registry, this.#slots)
    const parts: RunWorkParts = {
      outbox,
      workerId,
      facts: this.#facts,
      limits,
      log,
      metrics,
      ollama: this.#ollama,
      bodies: startBodyFetcher(nats, workerId),
      running: this.#running,
      onDoubt: () => this.#models.refresh(),
      onFreeSlot: () => this.#slotsChanged(),
    }
    nats.subscribe(`${workerInboxPrefix(workerId)}.gone.*`, (status) => this.#abandon(status))
    takeCommands({
      nats,
      workerId,
      workOf: (workId) => this.#running.get(workId),
      onCommand: (command) => metrics.countCommand(command),
    })
    this.#models = startModelList({
      ollama: this.#ollama,
      facts: this.#facts,
      nowMs: () => performance.now(),
      onChange: () => this.#stateChanged(),
    })
    this.#heartbeats = startHeartbeats({ nats, workerId, read: () => this.#heartbeat() })
    this.#pulls = startPullLoop({
      nats,
      outbox,
      workerId,
      queues,
      slots: this.#slots,
      isOpen: () => this.#isHealthy && !this.#isLeaving,
      onWork: (message, slot) => this.#follow(runWork(parts, message, slot)),
      onEvent: (event) => metrics.countPull(event),
    })
    nats.onConnectionChange(() => this.#stateChanged())
  }

  /** Whether it takes new work, and what keeps it from that. */
  readiness(): Readiness {
    const reasons = [
      ...(this.#nats.isConnected ? [] : ['nats-away']),
      ...(this.#models.isAnswering ? [] : ['ollama-silent']),
      ...(this.#isLeaving ? ['draining'] : []),
    ]
    return { ready: reasons.length === 0, reasons }
  }

  /** Takes nothing new and waits until running work has ended, but no longer than configured. */
  async finish(): Promise<void> {
    this.#leave()
    const ended = new AbortController()
    const limit = setTimeout(this.#config.drainMs, undefined, { signal: ended.signal })
    await Promise.race([Promise.all(this.#active), limit])
    ended.abort()
  }

  /** Ends what still runs as lost, says that the worker leaves, and closes. May be called twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#leave()
    for (const work of this.#running.values()) work.stop({ kind: 'failed', failure: LOST })
    await Promise.all(this.#active)
    this.#models.close()
    this.#heartbeats.leave()
    // The pulls go after the connection: what it still brings is given back and not lost for 2 s.
    await this.#outbox.flush()
    await this.#nats.close()
    this.#pulls.close()
    await this.#ollama.close()
    this.#log.info({ processed: this.#processed }, 'closed')
  }

  get #isHealthy(): boolean {
    return this.#nats.isConnected && this.#models.isAnswering
  }

  #leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#log.info({ running: this.#running.size }, 'draining')
    this.#heartbeats.soon()
  }

  #follow(work: Promise<void>): void {
    const followed = work.then(() => {
      this.#active.delete(followed)
      this.#processed += 1
    })
    this.#active.add(followed)
    this.#heartbeats.soon()
  }

  #slotsChanged(): void {
    this.#pulls.fill()
    this.#heartbeats.soon()
  }

  #stateChanged(): void {
    const { ready, reasons } = this.readiness()
    if (reasons.join() !== this.#said && !this.#isLeaving) {
      this.#said = reasons.join()
      const models = Object.keys(this.#facts.announce())
      if (ready) this.#log.info({ models, modelsOmitted: this.#facts.omitted }, 'ready')
      else this.#log.warn({ reasons }, 'not ready')
    }
    this.#heartbeats.soon()
    this.#pulls.fill()
  }

  /** The server says that nobody listens to the frames of a piece of work. */
  #abandon({ subject }: NatsMessage): void {
    const token = subject.slice(subject.lastIndexOf('.') + 1)
    for (const work of this.#running.values()) {
      if (work.token === token) work.stop({ kind: 'abandoned', because: 'ingress-gone' })
    }
  }

  #heartbeat(): WorkerHeartbeat {
    return {
      worker: this.#config.workerId,
      version: BUILD_VERSION,
      wire: WIRE,
      queues: this.#config.queues,
      healthy: this.#isHealthy,
      draining: this.#isLeaving,
      slots: this.#slots.total,
      busy: this.#slots.busy,
      processed: this.#processed,
      modelServer: this.#models.server,
      models: this.#facts.announce(),
    }
  }
}

/** This worker ends in the middle of an answer; another one goes on. */
const LOST = regionFailure('worker-lost')
