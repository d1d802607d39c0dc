// pure
// Whether a request may enter at all, before anybody asks where. Saying no at once is kinder than a
// place in a queue whose end the client will not see, and it is what keeps overload from growing.

import type { Priority } from '#wire/region-api.ts'
import type { DecisionOptions } from './decision-options.ts'

/** The load of all regions that may take a request, together. */
export interface CandidateLoad {
  readonly slots: number
  readonly queueLimit: number
  /** Work in their care, see `estimatedLoad`. */
  readonly est: number
  /** The shortest expected wait for a slot among them, in ms. */
  readonly leastWaitMs: number
}

export interface AdmissionFacts {
  readonly priority: Priority
  /** Until the first content must have come. */
  readonly deadlineLeftMs: number
  readonly load: CandidateLoad
  readonly isBrownOut: boolean
}

/** The rule that refused a request. */
export type AdmissionRefusal = 'brown-out' | 'priority' | 'deadline'

/**
 * Says why a request is refused, `undefined` when it is admitted.
 *
 * A class may fill a part of what the candidates have together: critical work all slots and queues,
 * standard work a little less of the queues, so that room is left for critical; batch only slots,
 * and not all of them, because it is never in a hurry. In a brown-out batch ends first. Whatever
 * its class, a request is refused when waiting would eat up too much of its deadline.
 */
export function decideAdmission(
  { priority, deadlineLeftMs, load, isBrownOut }: AdmissionFacts,
  options: DecisionOptions,
): AdmissionRefusal | undefined {
  if (isBrownOut && priority === 'batch') return 'brown-out'
  if (load.est + 1 > capacityFor(priority, load, options)) return 'priority'
  if (load.leastWaitMs > options.admitDeadlineShare * deadlineLeftMs) return 'deadline'
  return undefined
}

function capacityFor(
  priority: Priority,
  { slots, queueLimit }: CandidateLoad,
  { admitStandardQueue, admitBatchSlots }: DecisionOptions,
): number {
  switch (priority) {
    case 'critical':
      return slots + queueLimit
    case 'standard':
      return slots + admitStandardQueue * queueLimit
    case 'batch':
      return admitBatchSlots * slots
    default:
      return priority satisfies never
  }
}

/** SDKs obey no longer time than a minute, and two seconds are added by chance. */
const RETRY_AFTER_S_MAX = 58
/** So long a region takes that may come back at once: three good probes and a trial. */
const RETURN_S = 5

/**
 * When a refused client may come back, in whole seconds and 1 at least, from the wait that it was
 * spared; `undefined` = nobody could have served it. The caller adds the chance that keeps clients
 * from returning together.
 */
export function retryAfterS(waitMs: number | undefined): number {
  if (waitMs === undefined) return RETURN_S
  return Math.min(RETRY_AFTER_S_MAX, Math.max(1, Math.ceil(waitMs / 1_000)))
}
