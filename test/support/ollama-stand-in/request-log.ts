import type { Break } from './faults.ts'

/**
 * `queued` before a slot is taken, `running` with one; the others are final: `completed`,
 * `client-closed` (the client went away first), `refused` (an error from the start), `fault` (ended
 * on demand in the middle).
 */
export type Outcome = 'queued' | 'running' | 'completed' | 'client-closed' | 'refused' | 'fault'

/** How a request can have ended. */
export type FinalOutcome = Exclude<Outcome, 'queued' | 'running'>

/** One POST that could make the model work. All times are those of `performance.now()`. */
export interface RequestRecord {
  readonly id: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Empty until the body has been read. */
  readonly model: string
  /** The beginning of the last user message, of the prompt or of the first input. */
  readonly promptStart: string
  /** The body as text; absent when it is longer than what is kept. */
  readonly body?: string
  readonly arrivedAtMs: number
  /** When it got a slot; absent if it never did. */
  readonly startedAtMs?: number
  readonly firstTokenAtMs?: number
  /** When nothing of it ran any more, however it ended. */
  readonly endedAtMs?: number
  readonly outcome: Outcome
  readonly tokensSent: number
  /** What was done to it on demand, last. */
  readonly fault?: Break['kind'] | 'status' | 'html'
  /** Of a refusal. */
  readonly status?: number
}

/** The record as the log, and nobody else, writes it. */
type OpenRecord = { -readonly [Key in keyof RequestRecord]: RequestRecord[Key] }

/** What happened since the start or the last `clear`. */
export interface Counters {
  /** Requests by path and method, those to unknown paths together under `other`. */
  readonly requestsByPath: Readonly<Record<string, number>>
  readonly completed: number
  readonly cancelled: number
  readonly refused: number
  readonly broken: number
}

const RECORDS_MAX = 1_000
const PROMPT_START_CHARS_MAX = 200
/** Twice as many records are held at times, and so at most 32 MiB of bodies. */
const BODY_CHARS_MAX = 16 * 1024

/** Remembers what was asked and how it ended, and tells whoever waits for it. */
export class RequestLog {
  #records: OpenRecord[] = []
  #requestsByPath = new Map<string, number>()
  #ended: Record<Outcome, number> = noneEnded()
  #lastId = 0
  readonly #watchers = new Set<() => void>()

  /** Counts a request; `path` is one of those known, or `other`. */
  count(path: string): void {
    this.#requestsByPath.set(path, (this.#requestsByPath.get(path) ?? 0) + 1)
    this.changed()
  }

  /** Opens a record; the oldest goes when there are too many. */
  open(path: string, rawHeaders: readonly string[]): RequestRecord {
    this.#lastId += 1
    const record: OpenRecord = {
      id: this.#lastId,
      path,
      headers: headersOf(rawHeaders),
      model: '',
      promptStart: '',
      arrivedAtMs: performance.now(),
      outcome: 'queued',
      tokensSent: 0,
    }
    this.#records.push(record)
    // Cut in bulk: a shift for each request would move a thousand entries.
    if (this.#records.length >= 2 * RECORDS_MAX) this.#records = this.#records.slice(-RECORDS_MAX)
    this.changed()
    return record
  }

  /** Adds what the body says. */
  describe(record: OpenRecord, body: string, model: string, promptText: string): void {
    record.model = model
    record.promptStart = beginningOf(promptText)
    if (body.length <= BODY_CHARS_MAX) record.body = body
    this.changed()
  }

  start(record: OpenRecord): void {
    record.startedAtMs = performance.now()
    record.outcome = 'running'
    this.changed()
  }

  /** Counts one more token that was said. */
  spoke(record: OpenRecord): void {
    record.firstTokenAtMs ??= performance.now()
    record.tokensSent += 1
    this.changed()
  }

  /** Notes what is done to the request on demand. */
  harm(record: OpenRecord, fault: RequestRecord['fault']): void {
    if (fault !== undefined) record.fault = fault
    this.changed()
  }

  /** Closes a record for good, with the status of a refusal; a second end changes nothing. */
  end(record: OpenRecord, outcome: FinalOutcome, status?: number): void {
    if (record.endedAtMs !== undefined) return
    record.endedAtMs = performance.now()
    record.outcome = outcome
    if (status !== undefined) record.status = status
    this.#ended[outcome] += 1
    this.changed()
  }

  counters(): Counters {
    return {
      requestsByPath: Object.fromEntries(this.#requestsByPath),
      completed: this.#ended.completed,
      cancelled: this.#ended['client-closed'],
      refused: this.#ended.refused,
      broken: this.#ended.fault,
    }
  }

  /** The last records, oldest first; they go on changing until they have ended. */
  records(): readonly RequestRecord[] {
    return this.#records.slice(-RECORDS_MAX)
  }

  /** Forgets everything but the requests that still run, whose ends will count. */
  clear(): void {
    this.#records = this.#records.filter((record) => record.endedAtMs === undefined)
    this.#requestsByPath = new Map()
    this.#ended = noneEnded()
  }

  /** Calls `watcher` after every change until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Calls the watchers; for what the log shows but does not keep. */
  changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

function noneEnded(): Record<Outcome, number> {
  return { queued: 0, running: 0, completed: 0, 'client-closed': 0, refused: 0, fault: 0 }
}

/** A copy, because a slice of a string keeps all of it in memory, which can be megabytes. */
function beginningOf(text: string): string {
  return Buffer.from(text.slice(0, PROMPT_START_CHARS_MAX)).toString()
}

function headersOf(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers[rawHeaders[at]?.toLowerCase() ?? ''] = rawHeaders[at + 1] ?? ''
  }
  return headers
}
