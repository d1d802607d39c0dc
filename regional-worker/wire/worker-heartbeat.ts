// pure

import { MEMBER_ID, QUEUE_NAME } from './subjects.ts'
import type { WireRange } from './version.ts'

/** How often a worker says that it lives, in ms. */
export const HEARTBEAT_EVERY_MS = 1_000
/** After this long without a heartbeat a worker counts as lost, in ms. */
export const HEARTBEAT_LOST_AFTER_MS = 3_000
/** The largest heartbeat that an ingress reads, in bytes; 200 models of 1 KiB fit. */
export const HEARTBEAT_BYTES_MAX = 262_144

export interface WorkerModel {
  readonly queue: string
  readonly digest: string
  readonly loaded: boolean
  /** Moving mean from start to end on this worker, in ms; absent until something has ended. */
  readonly serviceMeanMs?: number
  /** The model's entry in Ollama's own `/api/tags`, untouched. */
  readonly tag: Readonly<Record<string, unknown>>
}

/** What a worker says every second, and at once when its number of busy slots changes. */
export interface WorkerHeartbeat {
  readonly worker: string
  readonly version: string
  readonly wire: WireRange
  readonly queues: readonly string[]
  /** Takes new work: NATS and the model server both answered lately. */
  readonly healthy: boolean
  readonly draining: boolean
  readonly slots: number
  readonly busy: number
  /** Finished since the worker's start, well or badly. */
  readonly processed: number
  readonly modelServer: { readonly kind: 'ollama' | 'stand-in'; readonly version: string }
  readonly models: Readonly<Record<string, WorkerModel>>
}

/** Writes a heartbeat as JSON. */
export function encodeWorkerHeartbeat(heartbeat: WorkerHeartbeat): string {
  return JSON.stringify(heartbeat)
}

/**
 * Reads a heartbeat; `undefined` for what is malformed. The subject's last token must be
 * `workerId`, so that one worker cannot speak for another.
 */
export function decodeWorkerHeartbeat(text: string, workerId: string): WorkerHeartbeat | undefined {
  if (text.length > HEARTBEAT_BYTES_MAX) return undefined
  try {
    const value = JSON.parse(text) as Partial<WorkerHeartbeat> | null
    return value !== null && isHeartbeat(value) && value.worker === workerId ? value : undefined
  } catch {
    return undefined
  }
}

function isHeartbeat(value: Partial<WorkerHeartbeat>): value is WorkerHeartbeat {
  return (
    typeof value.worker === 'string' &&
    MEMBER_ID.test(value.worker) &&
    typeof value.version === 'string' &&
    isCount(value.wire?.min) &&
    isCount(value.wire?.max) &&
    Array.isArray(value.queues) &&
    value.queues.every((queue) => typeof queue === 'string' && QUEUE_NAME.test(queue)) &&
    typeof value.healthy === 'boolean' &&
    typeof value.draining === 'boolean' &&
    isCount(value.slots) &&
    isCount(value.busy) &&
    isCount(value.processed) &&
    (value.modelServer?.kind === 'ollama' || value.modelServer?.kind === 'stand-in') &&
    typeof value.modelServer.version === 'string' &&
    typeof value.models === 'object' &&
    value.models !== null &&
    Object.values(value.models).every(isModel)
  )
}

function isModel(value: unknown): boolean {
  const model = value as Partial<WorkerModel> | null
  return (
    typeof model?.queue === 'string' &&
    QUEUE_NAME.test(model.queue) &&
    typeof model.digest === 'string' &&
    typeof model.loaded === 'boolean' &&
    (model.serviceMeanMs === undefined || isCount(model.serviceMeanMs)) &&
    typeof model.tag === 'object' &&
    model.tag !== null
  )
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
