import { BUILD_VERSION, WIRE } from '#wire/version.ts'
import { type Readiness, startAdminListener } from '../admin-listener.ts'
import { connectNats } from '../nats-connection.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { WorkerConfig } from './config.ts'
import { ConnectedWorker } from './connected-worker.ts'

export interface Worker {
  readonly id: string
  readonly adminUrl: string
  /**
   * Warm shutdown: takes nothing new, lets running work end for as long as configured, then closes.
   * May be called twice.
   */
  drain(): Promise<void>
  /** Ends running work as lost, says that the worker leaves, and closes. May be called twice. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a worker in this process and returns when it is connected to NATS, which it waits for; the
 * admin listener answers from the beginning. Whoever calls closes.
 *
 * Rejects when the admin listener cannot listen, or NATS refuses the identity.
 */
export async function startWorker(config: WorkerConfig): Promise<Worker> {
  const { regionId: region, workerId: id, logLevel: level } = config
  const log = createLog({ role: 'worker', region, id, level })
  const metrics = createMetrics('worker')
  let connected: ConnectedWorker | undefined
  const admin = await startAdminListener({
    ...config.admin,
    isReady: () => connected?.readiness() ?? NOT_CONNECTED,
    metricsText: () => metrics.text(),
  })
  log.info(
    { role: 'worker', urls: { admin: admin.url }, version: BUILD_VERSION, wire: WIRE },
    'listening',
  )
  try {
    const nats = await connectNats(config.nats)
    connected = new ConnectedWorker({ config, log, metrics, nats })
  } catch (error) {
    await admin.close()
    throw error
  }
  const worker = connected
  const close = async (): Promise<void> => {
    await worker.close()
    await admin.close()
  }
  return {
    id,
    adminUrl: admin.url,
    drain: async () => {
      await worker.finish()
      await close()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

const NOT_CONNECTED: Readiness = { ready: false, reasons: ['nats-away'] }
