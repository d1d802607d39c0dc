import { REGION_ID } from '#wire/identity.ts'
import { MEMBER_ID, QUEUE_NAME } from '#wire/subjects.ts'
import type { NatsOptions } from '../nats-connection.ts'
import { LOG_LEVELS, type LogLevel } from '../observe/log.ts'
import { type Environment, EnvironmentReader } from '../read-environment.ts'
import type { AttemptLimits } from './attempt-phase.ts'

/** Every knob of an ingress. Times in ms, sizes in bytes. */
export interface IngressConfig {
  readonly region: string
  readonly id: string
  readonly host: string
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
  readonly trustDomain: string
  readonly nats: Omit<NatsOptions, 'name' | 'inboxPrefix'>
  readonly logLevel: LogLevel
  /** Refuses what is only warned of elsewhere. */
  readonly isProduction: boolean
  readonly queues: readonly string[]
  readonly queueMessagesMax: number
  readonly streamReplicas: number
  readonly connectionsMax: number
  readonly bodyBytesMax: number
  readonly bodiesBytesMax: number
  readonly readerBytesMax: number
  readonly limits: AttemptLimits
  readonly drainMs: number
}

const QUEUES_MAX = 16
const MIB = 1_048_576
const DOMAIN = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

/**
 * Reads the configuration; `randomId` names an ingress that was given no id.
 * @throws {ConfigError} naming every problem at once, so that one restart is enough.
 */
export function parseConfig(env: Environment, randomId: string): IngressConfig {
  const read = new EnvironmentReader(env)
  const config: IngressConfig = {
    region: read.requiredText('REGION_ID', REGION_ID),
    id: read.text('INGRESS_ID', randomId, MEMBER_ID),
    host: read.text('INGRESS_HOST', '0.0.0.0'),
    port: read.integer('INGRESS_PORT', 7443, 0, 65_535),
    adminHost: read.text('INGRESS_ADMIN_HOST', '127.0.0.1'),
    adminPort: read.integer('INGRESS_ADMIN_PORT', 9191, 0, 65_535),
    caFile: read.file('MERIDIAN_CA_FILE'),
    certFile: read.file('INGRESS_CERT_FILE'),
    keyFile: read.file('INGRESS_KEY_FILE'),
    trustDomain: read.text('MERIDIAN_TRUST_DOMAIN', 'meridian.local', DOMAIN),
    nats: natsOptions(read),
    logLevel: read.oneOf('LOG_LEVEL', 'info', LOG_LEVELS),
    isProduction: read.oneOf('MERIDIAN_PRODUCTION', '0', ['0', '1']) === '1',
    queues: read.list('INGRESS_QUEUES', ['cpu', 'gpu'], QUEUE_NAME),
    // The hard stop behind the queue limit, which is half the slots: room for 2,048 slots. As it is
    // a setting of the stream, all ingresses of a region have the same.
    queueMessagesMax: read.integer('INGRESS_QUEUE_MESSAGES_MAX', 1_024, 1, 1_000_000),
    streamReplicas: read.integer('INGRESS_STREAM_REPLICAS', 1, 1, 5),
    // Each gateway keeps one connection for each request at the same time.
    connectionsMax: read.integer('INGRESS_CONNECTIONS_MAX', 10_000, 1, 1_000_000),
    bodyBytesMax: read.integer('INGRESS_BODY_BYTES_MAX', 32 * MIB, 1, 128 * MIB),
    // Eight bodies of the largest size, or 64,000 of 4 KiB.
    bodiesBytesMax: read.integer('INGRESS_BODIES_BYTES_MAX', 256 * MIB, 1, 16_384 * MIB),
    readerBytesMax: read.integer('INGRESS_READER_BYTES_MAX', 4 * MIB, 65_536, 256 * MIB),
    limits: {
      publishAnswerMs: read.integer('INGRESS_PUBLISH_ANSWER_MS', 1_000, 100, 10_000),
      publishRepeatMs: read.integer('INGRESS_PUBLISH_REPEAT_MS', 300, 100, 10_000),
      sayQueuedEveryMs: 1_000, // A gateway takes 3 s of silence for a loss: part of the contract.
      // Below the gateway's own 3 s, so that a frozen worker is told from a frozen region.
      workerSilenceMs: read.integer('INGRESS_WORKER_SILENCE_MS', 2_500, 500, 60_000),
      slowReaderMs: read.integer('INGRESS_READER_TIMEOUT_MS', 30_000, 500, 600_000),
    },
    drainMs: read.integer('INGRESS_DRAIN_MS', 300_000, 0, 3_600_000),
  }
  if (config.queues.length > QUEUES_MAX || new Set(config.queues).size < config.queues.length) {
    read.problems.push(`INGRESS_QUEUES: want at most ${QUEUES_MAX} names, each of them once`)
  }
  if (config.bodyBytesMax > config.bodiesBytesMax) {
    read.problems.push('INGRESS_BODY_BYTES_MAX must not be above INGRESS_BODIES_BYTES_MAX')
  }
  read.refuseProblems()
  return Object.freeze(config)
}

function natsOptions(read: EnvironmentReader): IngressConfig['nats'] {
  const user = read.optionalText('NATS_USER')
  const passwordFile = read.optionalFile('NATS_PASSWORD_FILE')
  const caFile = read.optionalFile('NATS_CA_FILE')
  const certFile = read.optionalFile('NATS_CERT_FILE')
  const keyFile = read.optionalFile('NATS_KEY_FILE')
  if ((certFile === undefined) !== (keyFile === undefined)) {
    read.problems.push('NATS_CERT_FILE and NATS_KEY_FILE go together')
  }
  if (certFile !== undefined && caFile === undefined) {
    read.problems.push('NATS_CERT_FILE needs NATS_CA_FILE')
  }
  return {
    url: read.url('NATS_URL', 'nats://127.0.0.1:4222', ['nats:', 'tls:']),
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  }
}
