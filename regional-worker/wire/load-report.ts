// pure
//
// The answer to `GET /health`. A gateway asks every second; the one message is probe, load report
// and version handshake, so there is no second view of a region that could disagree with the first.

import { REGION_ID } from './identity.ts'
import { NONCE } from './region-api.ts'
import type { WireRange } from './version.ts'

/** The largest report that a gateway reads, in bytes. */
export const REPORT_BYTES_MAX = 65_536
/** The largest number that a report may hold anywhere; more is nonsense. */
export const REPORT_NUMBER_MAX = 1e9

export interface QueueLoad {
  /** Slots of healthy workers only. */
  readonly slots: number
  readonly busy: number
  /** Accepted by this ingress and not yet started. */
  readonly queued: number
  /** From this many on the ingress refuses with `overflow`. */
  readonly queueLimit: number
  readonly oldestWaitMs: number
  readonly workers: { readonly healthy: number; readonly total: number }
}

export interface ModelLoad {
  readonly queue: string
  /** Ollama's digest, or '' where the region's workers disagree. */
  readonly digest: string
  readonly loaded: boolean
  /** Moving mean from start to end, in ms; absent until something has ended. */
  readonly serviceMeanMs?: number
}

export interface LaneFlags<T> {
  readonly interactive: T
  readonly durable: T
}

export interface LoadReport {
  readonly nonce: string
  readonly region: string
  readonly ingress: string
  /** Grows with each start of that ingress (ms since 1970 at its start). */
  readonly epoch: number
  /** Grows with each answer. A report that is not newer than the last one is ignored. */
  readonly seq: number
  readonly ready: boolean
  readonly wire: WireRange
  readonly version: string
  readonly queues: Readonly<Record<string, QueueLoad>>
  readonly models: Readonly<Record<string, ModelLoad>>
  /** Changes when the answer of `GET /models` does. */
  readonly modelsRevision: string
  /** What answers behind the workers; `stand-in` as soon as one of them is one. */
  readonly modelServer: { readonly kind: 'ollama' | 'stand-in' | 'none'; readonly version: string }
  readonly accepts: LaneFlags<boolean>
  /** 95th percentile of publish to acknowledgement over the last 30 s, in ms; null without one. */
  readonly publishP95Ms: LaneFlags<number | null>
  readonly draining: boolean
  /** A code, not prose; absent when nothing is wrong. */
  readonly degradedReason?: string
  readonly eventLoopDelayMs: number
}

export type DecodedLoadReport =
  | { readonly kind: 'report'; readonly report: LoadReport }
  | { readonly kind: 'problem'; readonly path: string }

/**
 * Reads a report and names the first field that is missing, of a wrong type or out of bounds.
 * Unknown fields are ignored. What it claims is not judged here: bounds that depend on config, such
 * as a region's `maxSlots`, are the gateway's to hold.
 */
export function decodeLoadReport(text: string): DecodedLoadReport {
  try {
    return { kind: 'report', report: readReport(new Fields(JSON.parse(text), '')) }
  } catch (error) {
    return { kind: 'problem', path: error instanceof FieldProblem ? error.path : '(not JSON)' }
  }
}

function readReport(fields: Fields): LoadReport {
  const wire = fields.object('wire')
  const modelServer = fields.object('modelServer')
  const accepts = fields.object('accepts')
  const publishP95Ms = fields.object('publishP95Ms')
  return {
    nonce: fields.text('nonce', NONCE),
    region: fields.text('region', REGION_ID),
    ingress: fields.text('ingress', NAME),
    epoch: fields.number('epoch', Number.MAX_SAFE_INTEGER),
    seq: fields.number('seq', Number.MAX_SAFE_INTEGER),
    ready: fields.boolean('ready'),
    wire: { min: wire.number('min'), max: wire.number('max') },
    version: fields.text('version', SHORT_TEXT),
    queues: fields.object('queues').mapValues(readQueue, NAME),
    models: fields.object('models').mapValues(readModel, MODEL_NAME),
    modelsRevision: fields.text('modelsRevision', SHORT_TEXT),
    modelServer: {
      kind: modelServer.oneOf('kind', ['ollama', 'stand-in', 'none']),
      version: modelServer.text('version', SHORT_TEXT),
    },
    accepts: {
      interactive: accepts.boolean('interactive'),
      durable: accepts.boolean('durable'),
    },
    publishP95Ms: {
      interactive: publishP95Ms.numberOrNull('interactive'),
      durable: publishP95Ms.numberOrNull('durable'),
    },
    draining: fields.boolean('draining'),
    ...fields.optionalText('degradedReason', NAME),
    eventLoopDelayMs: fields.number('eventLoopDelayMs'),
  }
}

function readQueue(fields: Fields): QueueLoad {
  const workers = fields.object('workers')
  return {
    slots: fields.number('slots'),
    busy: fields.number('busy'),
    queued: fields.number('queued'),
    queueLimit: fields.number('queueLimit'),
    oldestWaitMs: fields.number('oldestWaitMs'),
    workers: { healthy: workers.number('healthy'), total: workers.number('total') },
  }
}

function readModel(fields: Fields): ModelLoad {
  return {
    queue: fields.text('queue', NAME),
    digest: fields.text('digest', SHORT_TEXT),
    loaded: fields.boolean('loaded'),
    ...fields.optionalNumber('serviceMeanMs'),
  }
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/
/**
 * The form of a model's name in a report; one that differs would make the whole report a problem.
 */
export const MODEL_NAME = /^[\x21-\x7e]{1,256}$/
/** The form of versions and digests in a report. */
export const SHORT_TEXT = /^[\x20-\x7e]{0,128}$/

class FieldProblem extends Error {
  readonly path: string

  constructor(path: string) {
    super(path)
    this.path = path
  }
}

/**
 * One object of foreign JSON, read field by field; every doubt is a `FieldProblem` with its path.
 */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #path: string

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new FieldProblem(path === '' ? '(root)' : path)
    }
    this.#values = value as Readonly<Record<string, unknown>>
    this.#path = path
  }

  object(name: string): Fields {
    return new Fields(this.#own(name), this.#pathOf(name))
  }

  mapValues<T>(read: (fields: Fields) => T, names: RegExp): Record<string, T> {
    const entries = Object.keys(this.#values).map((name): [string, T] => {
      if (!names.test(name) || name === '__proto__') throw new FieldProblem(this.#pathOf(name))
      return [name, read(this.object(name))]
    })
    return Object.fromEntries(entries)
  }

  text(name: string, form: RegExp): string {
    const value = this.#own(name)
    if (typeof value === 'string' && form.test(value)) return value
    throw new FieldProblem(this.#pathOf(name))
  }

  optionalText<N extends string>(name: N, form: RegExp): { [K in N]?: string } {
    if (this.#own(name) === undefined) return {}
    return { [name]: this.text(name, form) } as { [K in N]?: string }
  }

  oneOf<T extends string>(name: string, words: readonly T[]): T {
    const word = words.find((known) => known === this.#own(name))
    if (word !== undefined) return word
    throw new FieldProblem(this.#pathOf(name))
  }

  boolean(name: string): boolean {
    const value = this.#own(name)
    if (typeof value === 'boolean') return value
    throw new FieldProblem(this.#pathOf(name))
  }

  number(name: string, max = REPORT_NUMBER_MAX): number {
    const value = this.#own(name)
    if (typeof value === 'number' && value >= 0 && value <= max) return value
    throw new FieldProblem(this.#pathOf(name))
  }

  numberOrNull(name: string): number | null {
    return this.#own(name) === null ? null : this.number(name)
  }

  optionalNumber<N extends string>(name: N): { [K in N]?: number } {
    if (this.#own(name) === undefined) return {}
    return { [name]: this.number(name) } as { [K in N]?: number }
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}
