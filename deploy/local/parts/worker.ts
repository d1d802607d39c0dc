import type { Environment } from '../config.ts'
import type { ProcessSpec } from '../supervise/supervised-process.ts'
import { portOf } from './listening-line.ts'
import { nodeProcess } from './node-process.ts'

export interface WorkerAddresses {
  readonly adminUrl: string
}

/** Which models are for the queue of the large ones; the others go to the default queue. */
const MODEL_QUEUES = 'qwen3:14b=gpu'

/** Describes a worker; `environment` says which region, where its NATS and where its models are. */
export function workerProcess(part: {
  id: string
  entry: string
  slots: number
  environment: () => Environment
}): ProcessSpec<WorkerAddresses> {
  return nodeProcess<WorkerAddresses>({
    name: part.id,
    entry: part.entry,
    environment: (known) => ({
      WORKER_MODEL_QUEUES: MODEL_QUEUES,
      ...part.environment(),
      WORKER_ID: part.id,
      WORKER_ADMIN_HOST: '127.0.0.1',
      WORKER_ADMIN_PORT: String(known === undefined ? 0 : portOf(known.adminUrl)),
      WORKER_SLOTS: String(part.slots),
    }),
    addressesOf: ({ admin }) => (admin ? { adminUrl: admin } : undefined),
  })
}
