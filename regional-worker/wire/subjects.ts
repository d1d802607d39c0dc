// pure
//
// The subjects of one region's NATS. Each region has a server, or a cluster, of its own.

/** Queue names, as they stand in subjects and consumer names. */
export const QUEUE_NAME = /^[a-z][a-z0-9-]{0,31}$/
/** Ids of workers and ingresses, as they stand in subjects. */
export const MEMBER_ID = /^[a-z0-9][a-z0-9-]{0,63}$/

export const INTERACTIVE_STREAM = 'INTERACTIVE'
export const INTERACTIVE_SUBJECTS = 'work.interactive.*'

/** Where interactive work for a queue is published. */
export function interactiveSubject(queue: string): string {
  return `work.interactive.${queue}`
}

/** Where frames about one attempt go. `token` is 32 random hex, unguessable by other workers. */
export function frameInbox(ingressId: string, token: string): string {
  return `${frameInboxPrefix(ingressId)}.${token}`
}

/** What an ingress subscribes to, with `.*` behind it, for all its attempts at once. */
export function frameInboxPrefix(ingressId: string): string {
  return `_INBOX.ingress.${ingressId}`
}

/** Prefix of everything that is answered to a worker: pulled messages, no-responder statuses. */
export function workerInboxPrefix(workerId: string): string {
  return `_INBOX.worker.${workerId}`
}

/** Where one worker takes commands, such as to cancel what it runs. */
export function workerControlSubject(workerId: string): string {
  return `control.worker.${workerId}`
}

/** Where a worker says every second that it lives and what it has. */
export function workerHeartbeatSubject(workerId: string): string {
  return `event.worker-heartbeat.${workerId}`
}

/** Where a worker says that it leaves, so that nobody waits for its silence to be noticed. */
export function workerOfflineSubject(workerId: string): string {
  return `event.worker-offline.${workerId}`
}

export const WORKER_HEARTBEATS = 'event.worker-heartbeat.*'
export const WORKER_OFFLINES = 'event.worker-offline.*'

/** Where a worker asks for the next message of a consumer; the reply subject receives it. */
export function pullSubject(stream: string, consumer: string): string {
  return `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`
}
