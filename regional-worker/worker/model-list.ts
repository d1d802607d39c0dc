import type { ModelFacts } from './model-facts.ts'
import { decodeLoaded, decodeTags, decodeVersion, type ModelServer } from './ollama-answers.ts'
import type { OllamaClient } from './ollama-client.ts'

/** How often Ollama is asked which models it has, in ms. */
export const TAGS_EVERY_MS = 5_000
/** How often it is asked which of them are in memory, in ms. */
export const LOADED_EVERY_MS = 2_000
/** An Ollama that has answered nothing for this long is not healthy, in ms: two polls missed. */
const ANSWERED_WITHIN_MS = 5_000

export interface ModelListOptions {
  readonly ollama: Pick<OllamaClient, 'ask'>
  readonly facts: ModelFacts
  readonly nowMs: () => number
  /** Called when the models or the server's health may have changed. */
  readonly onChange: () => void
}

export interface ModelList {
  /** Of the last answer; version '' before there was one. */
  readonly server: ModelServer
  /** Whether Ollama has answered lately, also if it is busy. */
  readonly isAnswering: boolean
  /** Asks for everything now: a call has found the list to be old, or nobody there. */
  refresh(): void
  /** Stops asking. An answer that is under way has no effect any more. May be called twice. */
  close(): void
}

/** Keeps `facts` true by asking Ollama again and again, from now on until `close`. */
export function startModelList(options: ModelListOptions): ModelList {
  const list = new PolledList(options)
  list.refresh()
  return list
}

class PolledList implements ModelList {
  readonly #options: ModelListOptions
  #server: ModelServer = { kind: 'ollama', version: '' }
  #answeredMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  readonly #polls: readonly Poll[]

  constructor(options: ModelListOptions) {
    this.#options = options
    this.#polls = [
      new Poll(TAGS_EVERY_MS, () => this.#learn('/api/tags', decodeTags, this.#takeTags)),
      new Poll(LOADED_EVERY_MS, () => this.#learn('/api/ps', decodeLoaded, this.#takeLoaded)),
      new Poll(TAGS_EVERY_MS, () => this.#learn('/api/version', decodeVersion, this.#takeServer)),
    ]
  }

  get server(): ModelServer {
    return this.#server
  }

  get isAnswering(): boolean {
    return this.#options.nowMs() - this.#answeredMs <= ANSWERED_WITHIN_MS
  }

  refresh(): void {
    for (const poll of this.#polls) poll.now()
  }

  close(): void {
    this.#isClosed = true
    for (const poll of this.#polls) poll.close()
  }

  readonly #takeTags = (tags: Parameters<ModelFacts['setTags']>[0]): void =>
    this.#options.facts.setTags(tags)

  readonly #takeLoaded = (names: readonly string[]): void => this.#options.facts.setLoaded(names)

  readonly #takeServer = (server: ModelServer): void => {
    this.#server = server
  }

  async #learn<Answer>(
    path: string,
    decode: (value: unknown) => Answer | undefined,
    take: (answer: Answer) => void,
  ): Promise<void> {
    try {
      const answer = decode(await this.#options.ollama.ask(path))
      if (this.#isClosed || answer === undefined) return
      this.#answeredMs = this.#options.nowMs()
      take(answer)
    } catch (error) {
      // Nobody listens there: certain at once. Anything else may be a moment of load.
      if (isRefusal(error)) this.#answeredMs = Number.NEGATIVE_INFINITY
    }
    if (!this.#isClosed) this.#options.onChange()
  }
}

/**
 * Asks at once when told and then every so often, one question at a time: when told while one is
 * open, whose answer may be of before, it asks once more behind it.
 */
class Poll {
  readonly #everyMs: number
  readonly #ask: () => Promise<void>
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #isToldAgain = false
  #isClosed = false

  constructor(everyMs: number, ask: () => Promise<void>) {
    this.#everyMs = everyMs
    this.#ask = ask
  }

  now(): void {
    if (this.#isClosed) return
    this.#isToldAgain = this.#isAsking
    if (this.#isAsking) return
    this.#isAsking = true
    clearTimeout(this.#timer)
    void this.#ask().finally(() => {
      this.#isAsking = false
      if (this.#isToldAgain) this.now()
      else if (!this.#isClosed) this.#timer = setTimeout(() => this.now(), this.#everyMs)
    })
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}
