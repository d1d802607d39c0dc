// Starts the parts of an ingress in the order in which they need each other, and closes them in the
// opposite one, also when a start ends half-way.

import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { frameInboxPrefix } from '#wire/subjects.ts'
import { startAdminListener } from '../admin-listener.ts'
import { connectNats, type Nats, NatsUnavailable } from '../nats-connection.ts'
import { createLog, type Log } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { ConfigError } from '../read-environment.ts'
import type { IngressConfig } from './config.ts'
import { Ingress } from './ingress.ts'
import { Lane } from './lane.ts'
import type { ListenerOptions } from './listener.ts'
import { isFitNatsVersion, payloadProblemOf } from './nats-fitness.ts'

/** What a test may put in place of the process's own. */
export interface IngressDeps {
  readonly log?: Log
  /** A monotonic clock, in ms. */
  readonly now?: () => number
}

export interface RunningIngress extends AsyncDisposable {
  /** Where gateways call, `https://…`. */
  readonly url: string
  readonly adminUrl: string
  /**
   * Takes nothing new and resolves when nothing is left. After `drainMs` what is left ends with the
   * code `draining`. It goes on answering health calls, so that gateways learn of it.
   */
  drain(): Promise<void>
  /** Ends what is left and closes everything. May be called twice. */
  close(): Promise<void>
}

const ENSURE_AGAIN_MS = 250

/**
 * Starts an ingress and resolves when it listens, which is not before NATS is there and the streams
 * stand. Its admin listener answers from the beginning.
 *
 * @throws {ConfigError} when the version of NATS is refused; {PlanDifference} when a stream exists
 * with another setting. Nothing stays open then.
 */
export async function startIngress(
  config: IngressConfig,
  deps: IngressDeps = {},
): Promise<RunningIngress> {
  const { region, id } = config
  const log = deps.log ?? createLog({ role: 'ingress', region, id, level: config.logLevel })
  const now = deps.now ?? (() => performance.now())
  const metrics = createMetrics('ingress')
  const tls = await readTls(config)
  let ingress: Ingress | undefined

  await using opened = new AsyncDisposableStack()
  const admin = opened.adopt(
    await startAdminListener({
      host: config.adminHost,
      port: config.adminPort,
      isReady: () => ingress?.readiness() ?? { ready: false, reasons: ['starting'] },
      metricsText: () => metrics.text(),
    }),
    (listener) => listener.close(),
  )
  const nats = opened.adopt(
    await connectNats({
      ...config.nats,
      name: `ingress ${region} ${id}`,
      inboxPrefix: frameInboxPrefix(id),
    }),
    (connection) => connection.close(),
  )
  judgeServer(nats, config.isProduction, log)
  const { queues, queueMessagesMax, streamReplicas: replicas } = config
  const lane = new Lane({ nats, plan: { queues, queueMessagesMax, replicas }, log, now })
  await ensureLane(lane, log)
  ingress = opened.use(new Ingress({ config, nats, lane, metrics, log, now }))
  const url = await ingress.listen(tls)
  log.info({ role: 'ingress', urls: { ingress: url, admin: admin.url } }, 'listening')
  return running(ingress, url, admin.url, opened.move())
}

function running(
  ingress: Ingress,
  url: string,
  adminUrl: string,
  opened: AsyncDisposableStack,
): RunningIngress {
  const close = (): Promise<void> => opened.disposeAsync() // A second call finds nothing left.
  return { url, adminUrl, drain: () => ingress.drain(), close, [Symbol.asyncDispose]: close }
}

/** @throws {Error} of the file system when a file has gone since the configuration was read. */
async function readTls({
  caFile,
  certFile,
  keyFile,
}: IngressConfig): Promise<ListenerOptions['tls']> {
  const [ca, cert, key] = await Promise.all(
    [caFile, certFile, keyFile].map((file) => readFile(file, 'utf8')),
  )
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' }
}

function judgeServer(nats: Nats, isProduction: boolean, log: Log): void {
  const problem = payloadProblemOf(nats.payloadBytesMax)
  if (problem !== undefined) throw new ConfigError([problem])
  const version = nats.serverVersion
  if (isFitNatsVersion(version)) return
  if (isProduction) {
    throw new ConfigError([`nats-server ${version}: want 2.11.15, 2.12.6 or a later line`])
  }
  log.warn({ 'nats.version': version }, 'nats-server has known holes and is refused in production')
}

/** A server that has just been started says for a while that it has no JetStream. */
async function ensureLane(lane: Lane, log: Log): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await lane.ensure()
    } catch (error) {
      if (!(error instanceof NatsUnavailable)) throw error
      if (isFirst) log.warn({ error }, 'waiting for jetstream')
      await pause(ENSURE_AGAIN_MS)
    }
  }
}
