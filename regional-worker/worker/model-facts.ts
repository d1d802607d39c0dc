// pure
//
// What a worker knows of its models: which there are, which are in memory, how quick they were.

import type { WorkerModel } from '#wire/worker-heartbeat.ts'
import { fullModelName, type ModelTag, type Usage } from './ollama-answers.ts'

export interface ModelFactsOptions {
  /** What this worker takes work from; the first one is for models that belong to no other. */
  readonly queues: readonly [string, ...string[]]
  /** Queue by model, names as Ollama's users write them. */
  readonly modelQueues: ReadonlyMap<string, string>
}

/** The most that the tags of all models may take in a heartbeat, in characters. */
const TAGS_CHARS_MAX = 200_000
/** Weight of the newest value in a moving mean: about the last ten count. */
const MEAN_WEIGHT = 0.2
/** Prefill of a model that has not been measured yet, in ms per token: a small one on a CPU. */
const PREFILL_MS_PER_TOKEN_GUESS = 5

interface Measured {
  serviceMeanMs?: number
  prefillMsPerToken?: number
}

export class ModelFacts {
  readonly #defaultQueue: string
  readonly #queues: ReadonlySet<string>
  readonly #modelQueues: ReadonlyMap<string, string>
  #tags: readonly ModelTag[] = []
  #loaded: ReadonlySet<string> = new Set()
  readonly #residentSinceMs = new Map<string, number>()
  readonly #measured = new Map<string, Measured>()
  #announced: Readonly<Record<string, WorkerModel>> | undefined
  #omitted = 0

  constructor(options: ModelFactsOptions) {
    this.#defaultQueue = options.queues[0]
    this.#queues = new Set(options.queues)
    this.#modelQueues = new Map(
      [...options.modelQueues].map(([model, queue]) => [fullModelName(model), queue]),
    )
  }

  /** How many models were left out of `announce`, because their tags would not fit. */
  get omitted(): number {
    return this.#omitted
  }

  /** Takes what `/api/tags` said. What was measured of a model that is gone is forgotten. */
  setTags(tags: readonly ModelTag[]): void {
    this.#tags = tags
    const names = new Set(tags.map(({ name }) => fullModelName(name)))
    for (const name of this.#measured.keys()) if (!names.has(name)) this.#measured.delete(name)
    this.#announced = undefined
  }

  /** Takes what `/api/ps` said: names of models in memory, those that still load included. */
  setLoaded(names: readonly string[]): void {
    this.#loaded = new Set(names.map(fullModelName))
    for (const name of this.#residentSinceMs.keys()) {
      if (!this.#loaded.has(name)) this.#residentSinceMs.delete(name)
    }
    this.#announced = undefined
  }

  /** Notes that a model has said something, which is the only proof that it is loaded. */
  noteOutput(model: string, nowMs: number): void {
    const name = fullModelName(model)
    if (!this.#residentSinceMs.has(name)) this.#residentSinceMs.set(name, nowMs)
  }

  /** Notes a call that ended well: `serviceMs` from its start to its end. */
  noteDone(model: string, serviceMs: number, { promptMs, promptTokens }: Usage): void {
    const name = fullModelName(model)
    const measured = this.#measured.get(name) ?? {}
    measured.serviceMeanMs = movingMean(measured.serviceMeanMs, serviceMs)
    if (promptMs !== undefined && promptTokens !== undefined && promptTokens > 0) {
      const msPerToken = promptMs / promptTokens
      measured.prefillMsPerToken = movingMean(measured.prefillMsPerToken, msPerToken)
    }
    this.#measured.set(name, measured)
    this.#announced = undefined
  }

  /**
   * Since when a model is known to be able to answer; `undefined` while it is not, and then it has
   * the time of a load. A model that was in memory before this worker's first call counts as not.
   */
  residentSinceMs(model: string): number | undefined {
    return this.#residentSinceMs.get(fullModelName(model))
  }

  /** Measured mean for the model's prompts, or a guess. */
  prefillMsPerToken(model: string): number {
    return this.#measured.get(fullModelName(model))?.prefillMsPerToken ?? PREFILL_MS_PER_TOKEN_GUESS
  }

  /** The models that this worker offers, under Ollama's own names; not those of other queues. */
  announce(): Readonly<Record<string, WorkerModel>> {
    this.#announced ??= this.#collect()
    return this.#announced
  }

  #collect(): Readonly<Record<string, WorkerModel>> {
    const models: [string, WorkerModel][] = []
    let chars = 0
    this.#omitted = 0
    for (const { name, digest, tag } of this.#tags) {
      const fullName = fullModelName(name)
      const queue = this.#modelQueues.get(fullName) ?? this.#defaultQueue
      if (!this.#queues.has(queue)) continue
      chars += JSON.stringify(tag).length
      if (chars > TAGS_CHARS_MAX) {
        this.#omitted += 1
        continue
      }
      const serviceMeanMs = this.#measured.get(fullName)?.serviceMeanMs
      const mean = serviceMeanMs === undefined ? {} : { serviceMeanMs: Math.round(serviceMeanMs) }
      models.push([name, { queue, digest, loaded: this.#loaded.has(fullName), ...mean, tag }])
    }
    return Object.fromEntries(models)
  }
}

function movingMean(mean: number | undefined, value: number): number {
  return mean === undefined ? value : mean + MEAN_WEIGHT * (value - mean)
}
