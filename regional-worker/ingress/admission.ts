// pure

import type { RegionErrorCode } from '#wire/error-codes.ts'
import type { Priority } from '#wire/region-api.ts'

/** One queue as an ingress sees it. */
export interface QueueFacts {
  readonly name: string
  /** Slots of the healthy workers that serve it. */
  readonly slots: number
  /** How many of those run what another ingress admitted, as far as the workers' words tell. */
  readonly busyElsewhere: number
  /** Admitted by this ingress and not started. */
  readonly queued: number
  /** Admitted by this ingress and running. */
  readonly running: number
  /** The stream's own limit for the queue, which all ingresses of the region share. */
  readonly messagesMax: number
}

export interface AdmissionFacts {
  readonly draining: boolean
  /** Whether publishes of the lane are being acknowledged. */
  readonly accepting: boolean
  /** The queue of the model; `undefined` when no healthy worker serves it. */
  readonly queue: QueueFacts | undefined
}

export type Admission =
  | { readonly kind: 'admitted'; readonly queue: string }
  | { readonly kind: 'refused'; readonly code: RegionErrorCode }

const QUEUE_LIMIT_MIN = 8
const QUEUE_LIMIT_PER_SLOT = 0.5
/** The part of the queue that each class may fill; batch work never queues in this lane. */
const QUEUE_SHARE = { critical: 1, standard: 0.9 } as const
const BATCH_SLOT_SHARE = 0.7

/**
 * Counts how many may wait in a queue: `max(8, ceil(0.5 × slots))`, and never more than the stream
 * holds. Source: routing.md, section 10.
 */
export function queueLimitOf(slots: number, messagesMax: number): number {
  const limit = Math.max(QUEUE_LIMIT_MIN, Math.ceil(QUEUE_LIMIT_PER_SLOT * slots))
  return Math.min(limit, messagesMax)
}

/**
 * Decides whether new work may enter. The order of the reasons is that of their reach: what holds
 * for the whole region comes before what holds for one queue, so that a region without NATS says so
 * instead of denying that it has the model.
 */
export function decideAdmission(priority: Priority, facts: AdmissionFacts): Admission {
  if (facts.draining) return { kind: 'refused', code: 'draining' }
  if (!facts.accepting) return { kind: 'refused', code: 'not-accepting' }
  const { queue } = facts
  if (queue === undefined) return { kind: 'refused', code: 'model-missing' }
  return hasRoom(priority, queue)
    ? { kind: 'admitted', queue: queue.name }
    : { kind: 'refused', code: 'overflow' }
}

function hasRoom(priority: Priority, queue: QueueFacts): boolean {
  const taken = queue.busyElsewhere + queue.running
  if (priority === 'batch') {
    const slots = Math.max(1, Math.floor(BATCH_SLOT_SHARE * queue.slots))
    return taken + queue.queued < Math.min(slots, queue.slots)
  }
  const free = Math.max(0, queue.slots - taken)
  if (queue.queued < free) return true // It waits for nobody.
  const limit = queueLimitOf(queue.slots, queue.messagesMax)
  return queue.queued - free < Math.floor(QUEUE_SHARE[priority] * limit)
}
