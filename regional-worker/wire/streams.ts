// pure

import { INTERACTIVE_STREAM, INTERACTIVE_SUBJECTS, interactiveSubject } from './subjects.ts'

/** A stream as JetStream's API names its fields; times in ns. */
export interface StreamPlan {
  readonly name: string
  readonly subjects: readonly string[]
  readonly retention: 'workqueue'
  readonly storage: 'memory' | 'file'
  readonly discard: 'new'
  readonly discard_new_per_subject: true
  readonly max_msgs_per_subject: number
  readonly max_msgs: number
  readonly max_age: number
  readonly duplicate_window: number
  readonly num_replicas: number
}

/** A durable pull consumer as JetStream's API names its fields; times in ns. */
export interface ConsumerPlan {
  readonly durable_name: string
  readonly filter_subject: string
  readonly ack_policy: 'explicit'
  readonly deliver_policy: 'all'
  readonly ack_wait: number
  readonly max_deliver: number
  readonly max_ack_pending: number
  readonly max_waiting: number
}

export interface InteractivePlanOptions {
  readonly queues: readonly string[]
  /** Most messages that may wait in one queue: the hard stop behind the ingress's own limit. */
  readonly queueMessagesMax: number
  /** 1, or 3 in a cluster. */
  readonly replicas: number
}

const NS_PER_S = 1_000_000_000

/**
 * Plans the stream of the interactive lane. It lies in memory: whoever waits for it holds a
 * connection, so what is lost with the server is known to be lost and is tried elsewhere.
 */
export function interactiveStreamPlan(options: InteractivePlanOptions): StreamPlan {
  return {
    name: INTERACTIVE_STREAM,
    subjects: [INTERACTIVE_SUBJECTS],
    retention: 'workqueue',
    storage: 'memory',
    discard: 'new',
    discard_new_per_subject: true,
    max_msgs_per_subject: options.queueMessagesMax,
    max_msgs: options.queueMessagesMax * options.queues.length,
    max_age: 120 * NS_PER_S, // Longer than any wait: only what an ingress left behind gets there.
    duplicate_window: 120 * NS_PER_S,
    num_replicas: options.replicas,
  }
}

/** Plans the consumer of one queue of the interactive lane. */
export function interactiveConsumerPlan(queue: string): ConsumerPlan {
  return {
    durable_name: queue,
    filter_subject: interactiveSubject(queue),
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: 2 * NS_PER_S, // A worker acknowledges before it starts: 2 s is a dead one.
    max_deliver: -1, // Deadlines end it.
    max_ack_pending: 4_096, // Early acknowledgement keeps it near zero.
    max_waiting: 4_096, // One pull for each free slot of the region.
  }
}

/** Names the first field in which `actual` is not what `plan` says, or `undefined`. */
export function differenceOf<Plan extends object>(
  plan: Plan,
  actual: Readonly<Record<string, unknown>>,
): string | undefined {
  return Object.entries(plan).find(
    ([field, wanted]) => JSON.stringify(actual[field]) !== JSON.stringify(wanted),
  )?.[0]
}
