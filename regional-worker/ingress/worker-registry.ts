// pure

import { createHash } from 'node:crypto'
import { MODEL_NAME, type ModelLoad, SHORT_TEXT } from '#wire/load-report.ts'
import { commonWireVersion, WIRE } from '#wire/version.ts'
import { HEARTBEAT_LOST_AFTER_MS, type WorkerHeartbeat } from '#wire/worker-heartbeat.ts'

/** What the healthy workers offer to one queue. */
export interface QueueTotals {
  /** Slots of healthy workers that pull from the queue and have a model of it. */
  readonly slots: number
  readonly busy: number
  readonly workers: { readonly healthy: number; readonly total: number }
}

/** A region's workers at one moment. */
export interface WorkersView {
  readonly healthyWorkers: number
  readonly queues: ReadonlyMap<string, QueueTotals>
  /** Models of healthy workers by name, in the order of their names. */
  readonly models: ReadonlyMap<string, ModelLoad>
  /** Each model's entry in Ollama's `/api/tags`, in the same order. */
  readonly tags: readonly Readonly<Record<string, unknown>>[]
  /** 16 hex; changes when `tags` does. */
  readonly modelsRevision: string
  readonly modelServer: {
    readonly kind: 'ollama' | 'stand-in' | 'none'
    /** All versions that differ, between commas. */
    readonly version: string
  }
}

/** The most workers that are remembered; a heartbeat of one more is not heard. */
export const WORKERS_MAX = 1_024
/** The most models of a region; further ones, in the order of their names, do not exist for it. */
export const MODELS_MAX = 256
const VERSION_CHARS_MAX = 128

interface KnownWorker {
  readonly heartbeat: WorkerHeartbeat
  readonly heardMs: number
}

/** Remembers what each worker said last and tells what that amounts to. */
export class WorkerRegistry {
  readonly #queues: readonly string[]
  readonly #workers = new Map<string, KnownWorker>()

  /** `queues`: those that this region has; models of others cannot be reached. */
  constructor(queues: readonly string[]) {
    this.#queues = queues
  }

  get size(): number {
    return this.#workers.size
  }

  has(worker: string): boolean {
    return this.#workers.has(worker)
  }

  record(heartbeat: WorkerHeartbeat, nowMs: number): void {
    if (this.#workers.size >= WORKERS_MAX && !this.#workers.has(heartbeat.worker)) return
    this.#workers.set(heartbeat.worker, { heartbeat, heardMs: nowMs })
  }

  forget(worker: string): void {
    this.#workers.delete(worker)
  }

  /**
   * Sums up the workers. Lost ones (3 s without a heartbeat) are forgotten. Healthy is who says so,
   * is not draining and speaks a wire version of ours. No worker gives an empty view.
   */
  view(nowMs: number): WorkersView {
    for (const [worker, { heardMs }] of this.#workers) {
      if (nowMs - heardMs > HEARTBEAT_LOST_AFTER_MS) this.#workers.delete(worker)
    }
    const all = [...this.#workers.values()]
      .map(({ heartbeat }) => heartbeat)
      .sort((a, b) => (a.worker < b.worker ? -1 : 1)) // So that a tie has always the same winner.
    const healthy = all.filter(isHealthy)
    const models = this.#modelsOf(healthy)
    const tags = [...models.values()].map(([first]) => first?.tag ?? {})
    return {
      healthyWorkers: healthy.length,
      queues: new Map(this.#queues.map((queue) => [queue, totalsOf(queue, all)])),
      models: new Map([...models].map(([name, entries]) => [name, mergeModel(entries)])),
      tags,
      modelsRevision: revisionOf(tags),
      modelServer: modelServerOf(healthy),
    }
  }

  #modelsOf(workers: readonly WorkerHeartbeat[]): Map<string, WorkerModel[]> {
    const byName = new Map<string, WorkerModel[]>()
    for (const { models, queues } of workers) {
      for (const [name, model] of Object.entries(models)) {
        const isReachable = queues.includes(model.queue) && this.#queues.includes(model.queue)
        if (!isReachable || !isReportable(name, model)) continue
        const entries = byName.get(name)
        if (entries === undefined) byName.set(name, [model])
        else entries.push(model)
      }
    }
    const names = [...byName.keys()].sort().slice(0, MODELS_MAX)
    return new Map(names.map((name) => [name, byName.get(name) ?? []]))
  }
}

type WorkerModel = WorkerHeartbeat['models'][string]

/**
 * Finds the model that a request names, the way that Ollama does: `qwen3` is `qwen3:latest`.
 * `undefined` when no healthy worker has it.
 */
export function modelOf(view: WorkersView, name: string): ModelLoad | undefined {
  return view.models.get(name) ?? view.models.get(`${name}:latest`)
}

function isHealthy({ healthy, draining, wire }: WorkerHeartbeat): boolean {
  return healthy && !draining && commonWireVersion(wire, WIRE) !== undefined
}

function isReportable(name: string, { digest }: WorkerModel): boolean {
  return MODEL_NAME.test(name) && name !== '__proto__' && SHORT_TEXT.test(digest)
}

function totalsOf(queue: string, all: readonly WorkerHeartbeat[]): QueueTotals {
  const serving = all.filter(
    ({ queues, models }) =>
      queues.includes(queue) && Object.values(models).some((model) => model.queue === queue),
  )
  const healthy = serving.filter(isHealthy)
  return {
    slots: healthy.reduce((sum, { slots }) => sum + slots, 0),
    busy: healthy.reduce((sum, { busy }) => sum + busy, 0),
    workers: { healthy: healthy.length, total: serving.length },
  }
}

function mergeModel(entries: readonly WorkerModel[]): ModelLoad {
  const [first] = entries
  const isAgreed = entries.every(({ digest }) => digest === first?.digest)
  const means = entries.flatMap(({ serviceMeanMs }) => serviceMeanMs ?? [])
  return {
    queue: first?.queue ?? '',
    digest: isAgreed ? (first?.digest ?? '') : '',
    loaded: entries.some(({ loaded }) => loaded),
    ...(means.length === 0
      ? {}
      : { serviceMeanMs: means.reduce((sum, mean) => sum + mean, 0) / means.length }),
  }
}

function revisionOf(tags: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(tags)).digest('hex').slice(0, 16)
}

function modelServerOf(workers: readonly WorkerHeartbeat[]): WorkersView['modelServer'] {
  if (workers.length === 0) return { kind: 'none', version: '' }
  const servers = workers.map(({ modelServer }) => modelServer)
  const versions = new Set(servers.map(({ version }) => version).filter((v) => SHORT_TEXT.test(v)))
  return {
    kind: servers.some(({ kind }) => kind === 'stand-in') ? 'stand-in' : 'ollama',
    version: [...versions].sort().join(',').slice(0, VERSION_CHARS_MAX),
  }
}
