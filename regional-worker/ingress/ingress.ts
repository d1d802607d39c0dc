// The parts of an ingress that stand once NATS is there, and what each needs to know of the others.

import { interactiveConsumerPlan, interactiveStreamPlan } from '#wire/streams.ts'
import type { Readiness } from '../admin-listener.ts'
import type { Nats } from '../nats-connection.ts'
import type { Log } from '../observe/log.ts'
import type { Counter, Metrics } from '../observe/metrics.ts'
import { type AdmissionFacts, queueLimitOf } from './admission.ts'
import type { IngressConfig } from './config.ts'
import { Dispatcher, type DispatchObserver } from './dispatch.ts'
import { watchEventLoopDelay } from './event-loop-delay.ts'
import { handleWork, type WorkDeps } from './handle-work.ts'
import type { Lane } from './lane.ts'
import { type QueueLevel, showLevels } from './limit-metrics.ts'
import { type Listener, type ListenerOptions, startListener } from './listener.ts'
import { buildLoadReport, type ReportFacts, readinessOf } from './load-report.ts'
import { PublishTimes } from './publish-times.ts'
import { BodyBudget } from './read-body.ts'
import { WITHDRAWALS_MAX, type WithdrawalLimits } from './withdrawals.ts'
import { WorkJournal } from './work-journal.ts'
import { modelOf, WORKERS_MAX, type WorkersView } from './worker-registry.ts'
import { WorkerWatch } from './worker-watch.ts'

export interface IngressParts {
  readonly config: IngressConfig
  readonly nats: Nats
  /** Ensured already. */
  readonly lane: Lane
  readonly metrics: Metrics
  readonly log: Log
  /** A monotonic clock, in ms. */
  readonly now: () => number
}

/** How often all clocks are looked at, in ms: the grain of every limit on time in here. */
const BEAT_MS = 100
const NS_PER_MS = 1e6

/** An ingress between its listeners: it works from its making until it is disposed of. */
export class Ingress implements AsyncDisposable {
  readonly #config: IngressConfig
  readonly #lane: Lane
  readonly #log: Log
  readonly #now: () => number
  readonly #epoch = Date.now()
  readonly #workers: WorkerWatch
  readonly #publishTimes = new PublishTimes()
  readonly #journal: WorkJournal
  readonly #dispatcher: Dispatcher
  readonly #workDeps: WorkDeps
  readonly #refusedPeers: Counter<'why'>
  readonly #loopDelay = watchEventLoopDelay()
  readonly #beat: NodeJS.Timeout
  #listener: Listener | undefined
  /** Of each queue, as of the last beat. */
  readonly #busyElsewhere = new Map<string, number>()
  #notedView: WorkersView | undefined
  #reports = 0
  #isDraining = false
  #isClosing = false

  constructor({ config, nats, lane, metrics, log, now }: IngressParts) {
    const { queues } = config
    this.#config = config
    this.#lane = lane
    this.#log = log
    this.#now = now
    this.#workers = new WorkerWatch({ nats, queues, now })
    this.#journal = new WorkJournal(metrics, log)
    this.#dispatcher = new Dispatcher({
      nats,
      ingressId: config.id,
      queues,
      limits: { ...config.limits, ...withdrawalLimitsOf(config) },
      observer: this.#observer(),
      now,
    })
    this.#workDeps = {
      admissionFacts: (model) => this.#admissionFacts(model),
      dispatcher: this.#dispatcher,
      bodyBudget: new BodyBudget(config.bodiesBytesMax),
      bodyBytesMax: config.bodyBytesMax,
      readerBytesMax: config.readerBytesMax,
      journal: this.#journal,
    }
    this.#refusedPeers = metrics.counter(
      'meridian_ingress_refused_peers_total',
      'Connections whose handshake failed or whose certificate names no gateway.',
      ['why'],
    )
    this.#showLevels(metrics)
    nats.onConnectionChange((isConnected) => this.#connectionChanged(isConnected))
    this.#beat = setInterval(() => this.#sweep(), BEAT_MS)
  }

  /** Begins to listen for gateways and resolves with the address. */
  async listen(tls: ListenerOptions['tls']): Promise<string> {
    const { host, port, trustDomain, connectionsMax } = this.#config
    this.#listener = await startListener({
      host,
      port,
      tls,
      trustDomain,
      connectionsMax,
      work: (request, response) => void handleWork(this.#workDeps, request, response),
      health: (nonce) => JSON.stringify(buildLoadReport(this.#reportFacts(nonce))),
      models: () => JSON.stringify({ models: this.#workers.view.tags }),
      peerRefused: (why, detail) => this.#peerRefused(why, detail),
    })
    return this.#listener.url
  }

  /** Whether it can serve, as `/readyz` says it. */
  readiness(): Readiness {
    const { reasons } = readinessOf(this.#healthFacts())
    const all = this.#isDraining ? ['draining', ...reasons] : reasons
    return { ready: all.length === 0, reasons: all }
  }

  /** See `RunningIngress.drain`. */
  async drain(): Promise<void> {
    if (!this.#isDraining) this.#log.info({ inFlight: this.#journal.inFlight }, 'draining')
    this.#isDraining = true
    const limit = setTimeout(() => this.#dispatcher.giveUpAll('draining'), this.#config.drainMs)
    await this.#journal.untilIdle()
    clearTimeout(limit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#beat)
    this.#loopDelay.close()
    this.#dispatcher.close()
    this.#workers.close()
    await this.#listener?.close()
  }

  #sweep(): void {
    const nowMs = this.#now()
    this.#dispatcher.sweep(nowMs)
    this.#workers.sweep(nowMs)
    this.#noteBusyElsewhere()
    this.#lane.sweep(nowMs)
  }

  /**
   * What the workers run less what they run for us. Their words are up to a beat old, so the most
   * that we had running in that beat is taken off: else slots that have just become free would
   * count as taken, and a region at full speed would refuse work that it has room for.
   */
  #noteBusyElsewhere(): void {
    const { view } = this.#workers
    if (view !== this.#notedView) {
      this.#notedView = view
      for (const [queue, { busy }] of view.queues) {
        const { runningPeak } = this.#dispatcher.loadOf(queue)
        this.#busyElsewhere.set(queue, Math.max(0, busy - runningPeak))
      }
    }
    this.#dispatcher.beginBeat()
  }

  #connectionChanged(isConnected: boolean): void {
    if (this.#isClosing) return
    this.#log.warn({ isConnected }, 'connection to nats changed')
    this.#lane.connectionChanged(isConnected)
    if (!isConnected) this.#dispatcher.connectionLost()
  }

  #observer(): DispatchObserver {
    const journal = this.#journal
    return {
      publishAnswered: (tookMs) => {
        this.#publishTimes.record(tookMs, this.#now())
        this.#lane.publishAnswered()
      },
      publishFailed: (why) => this.#lane.publishFailed(why),
      started: (queue, waitedMs) => journal.started(queue, waitedMs),
      withdrawn: () => journal.withdrawn(),
      paused: () => journal.paused(),
    }
  }

  #peerRefused(why: 'handshake' | 'identity', detail: string): void {
    this.#refusedPeers.inc({ why })
    this.#log.warn({ why, 'tls.client.detail': detail }, 'peer refused')
  }

  #admissionFacts(model: string): AdmissionFacts {
    const { view } = this.#workers
    const name = modelOf(view, model)?.queue
    const totals = name === undefined ? undefined : view.queues.get(name)
    const isDraining = this.#isDraining
    const accepting = this.#lane.problem === undefined
    if (name === undefined || totals === undefined) {
      return { draining: isDraining, accepting, queue: undefined }
    }
    const { queued, running } = this.#dispatcher.loadOf(name)
    const { slots } = totals
    const busyElsewhere = this.#busyElsewhere.get(name) ?? 0
    const messagesMax = this.#config.queueMessagesMax
    return {
      draining: isDraining,
      accepting,
      queue: { name, slots, busyElsewhere, queued, running, messagesMax },
    }
  }

  #healthFacts(): Pick<ReportFacts, 'workers' | 'laneProblem' | 'eventLoopDelayMs'> {
    return {
      workers: this.#workers.view,
      laneProblem: this.#lane.problem,
      eventLoopDelayMs: this.#loopDelay.meanMs,
    }
  }

  #reportFacts(nonce: string): ReportFacts {
    const { region, id, queues, queueMessagesMax } = this.#config
    this.#reports += 1
    return {
      ...this.#healthFacts(),
      nonce,
      region,
      ingress: id,
      epoch: this.#epoch,
      seq: this.#reports,
      queues: new Map(
        queues.map((queue) => [
          queue,
          {
            queued: this.#dispatcher.loadOf(queue).queued,
            oldestWaitMs: this.#dispatcher.oldestWaitMs(queue),
          },
        ]),
      ),
      queueMessagesMax,
      publishP95Ms: this.#publishTimes.p95(this.#now()),
      isDraining: this.#isDraining,
    }
  }

  #showLevels(metrics: Metrics): void {
    const { bodyBudget } = this.#workDeps
    showLevels(metrics, {
      inFlight: () => this.#journal.inFlight,
      queues: () => this.#queueLevels(),
      fullness: () => ({
        bodies: bodyBudget.bytes / bodyBudget.bytesMax,
        connections: (this.#listener?.connections ?? 0) / this.#config.connectionsMax,
        withdrawals: this.#dispatcher.withdrawals / WITHDRAWALS_MAX,
        workers: this.#workers.size / WORKERS_MAX,
      }),
    })
  }

  #queueLevels(): ReadonlyMap<string, QueueLevel> {
    const { queues, queueMessagesMax } = this.#config
    return new Map(
      queues.map((queue) => {
        const slots = this.#workers.view.queues.get(queue)?.slots ?? 0
        const queueLimit = queueLimitOf(slots, queueMessagesMax)
        return [queue, { ...this.#dispatcher.loadOf(queue), queueLimit }]
      }),
    )
  }
}

/** How long after its end an attempt may still be started depends on the stream's own settings. */
function withdrawalLimitsOf(config: IngressConfig): WithdrawalLimits {
  const { queues, queueMessagesMax, streamReplicas: replicas } = config
  return {
    publishAnswerMs: config.limits.publishAnswerMs,
    ackWaitMs: interactiveConsumerPlan(queues[0] ?? '').ack_wait / NS_PER_MS,
    messageAgeMs: interactiveStreamPlan({ queues, queueMessagesMax, replicas }).max_age / NS_PER_MS,
  }
}
