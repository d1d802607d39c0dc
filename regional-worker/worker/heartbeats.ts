import { workerHeartbeatSubject, workerOfflineSubject } from '#wire/subjects.ts'
import {
  encodeWorkerHeartbeat,
  HEARTBEAT_EVERY_MS,
  type WorkerHeartbeat,
} from '#wire/worker-heartbeat.ts'
import type { Nats } from '../nats-connection.ts'

/** Heartbeats are at least this far apart, in ms, however often what they say changes. */
export const HEARTBEAT_GAP_MS = 50
/** A heartbeat of many models keeps a larger distance, so that all together are 1 MB/s at most. */
const HEARTBEAT_BYTES_PER_MS = 1_000

export interface HeartbeatsOptions {
  readonly nats: Pick<Nats, 'publish' | 'onConnectionChange'>
  readonly workerId: string
  readonly read: () => WorkerHeartbeat
}

export interface Heartbeats {
  /** Something has changed: says so now, or as soon as the last heartbeat is far enough away. */
  soon(): void
  /** Says that the worker leaves, and nothing more. May be called twice. */
  leave(): void
}

/** Says at once, and from now on every second, what this worker is and has. */
export function startHeartbeats({ nats, workerId, read }: HeartbeatsOptions): Heartbeats {
  const subject = workerHeartbeatSubject(workerId)
  let lastMs = Number.NEGATIVE_INFINITY
  let gapMs = HEARTBEAT_GAP_MS
  let waiting: NodeJS.Timeout | undefined
  let hasLeft = false

  const beat = (): void => {
    clearTimeout(waiting)
    waiting = undefined
    if (hasLeft) return
    const text = encodeWorkerHeartbeat(read())
    gapMs = Math.max(HEARTBEAT_GAP_MS, text.length / HEARTBEAT_BYTES_PER_MS)
    lastMs = performance.now()
    nats.publish(subject, text)
  }
  const soon = (): void => {
    if (waiting !== undefined || hasLeft) return
    const waitMs = lastMs + gapMs - performance.now()
    if (waitMs <= 0) beat()
    else waiting = setTimeout(beat, waitMs)
  }
  const timer = setInterval(beat, HEARTBEAT_EVERY_MS)
  nats.onConnectionChange(soon)
  beat()
  return {
    soon,
    leave: () => {
      if (hasLeft) return
      hasLeft = true
      clearInterval(timer)
      clearTimeout(waiting)
      nats.publish(workerOfflineSubject(workerId), '')
    },
  }
}
