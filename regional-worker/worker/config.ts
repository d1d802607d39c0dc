import { randomBytes } from 'node:crypto'
import { REGION_ID } from '#wire/identity.ts'
import { MEMBER_ID, QUEUE_NAME, workerInboxPrefix } from '#wire/subjects.ts'
import type { NatsOptions } from '../nats-connection.ts'
import { LOG_LEVELS, type LogLevel } from '../observe/log.ts'
import { type Environment, EnvironmentReader } from '../read-environment.ts'
import type { PhaseLimits } from './phase-limits.ts'

export interface WorkerConfig {
  readonly regionId: string
  readonly workerId: string
  readonly admin: { readonly host: string; readonly port: number }
  readonly nats: NatsOptions
  readonly ollamaUrl: string
  /** As many as Ollama's `OLLAMA_NUM_PARALLEL`: one more would only wait where nobody sees it. */
  readonly slots: number
  /** The first is for models that belong to no other queue. */
  readonly queues: readonly [string, ...string[]]
  readonly modelQueues: ReadonlyMap<string, string>
  readonly limits: PhaseLimits
  /** How long running work may go on after the first signal, in ms. */
  readonly drainMs: number
  readonly logLevel: LogLevel
}

/** A region counts at most this many slots, on all its workers. */
const SLOTS_MAX = 256
const QUEUES_MAX = 16

/** @throws {ConfigError} naming every problem at once, so that one restart is enough. */
export function parseWorkerConfig(env: Environment): WorkerConfig {
  const read = new EnvironmentReader(env)
  const workerId = read.text('WORKER_ID', `worker-${randomBytes(3).toString('hex')}`, MEMBER_ID)
  const config: WorkerConfig = {
    regionId: read.requiredText('REGION_ID', REGION_ID),
    workerId,
    admin: {
      host: read.text('WORKER_ADMIN_HOST', '127.0.0.1'),
      port: read.integer('WORKER_ADMIN_PORT', 9_292, 0, 65_535),
    },
    nats: readNats(read, workerId),
    ollamaUrl: readOllamaUrl(read),
    slots: read.integer('WORKER_SLOTS', 2, 1, SLOTS_MAX),
    queues: readQueues(read),
    modelQueues: readModelQueues(read),
    limits: readLimits(read),
    drainMs: read.integer('WORKER_DRAIN_MS', 300_000, 0, 3_600_000),
    logLevel: read.oneOf('LOG_LEVEL', 'info', LOG_LEVELS),
  }
  read.refuseProblems()
  return Object.freeze(config)
}

function readNats(read: EnvironmentReader, workerId: string): NatsOptions {
  const caFile = read.optionalFile('NATS_CA_FILE')
  const certFile = read.optionalFile('NATS_CERT_FILE')
  const keyFile = read.optionalFile('NATS_KEY_FILE')
  const user = read.optionalText('NATS_USER')
  const passwordFile = read.optionalFile('NATS_PASSWORD_FILE')
  if ((certFile === undefined) !== (keyFile === undefined)) {
    read.problems.push('NATS_CERT_FILE and NATS_KEY_FILE belong together')
  }
  if (certFile !== undefined && caFile === undefined) {
    read.problems.push('NATS_CERT_FILE needs NATS_CA_FILE')
  }
  return {
    url: read.url('NATS_URL', 'nats://127.0.0.1:4222', ['nats:', 'tls:']),
    name: `worker ${workerId}`,
    inboxPrefix: workerInboxPrefix(workerId),
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  }
}

/** Reads `OLLAMA_HOST` as Ollama's own clients do: a URL, or a host with or without a port. */
function readOllamaUrl(read: EnvironmentReader): string {
  const text = read.text('OLLAMA_HOST', '127.0.0.1:11434')
  const hasScheme = /^https?:\/\//.test(text)
  const withPort = hasScheme || /:\d+$/.test(text) ? text : `${text}:11434`
  const url = hasScheme ? withPort : `http://${withPort}`
  if (!URL.canParse(url)) read.problems.push(`OLLAMA_HOST="${text}": want a URL, or host:port`)
  // The wildcard is an address to listen on, and a server's OLLAMA_HOST is often this one.
  return url.replace(/^(https?:\/\/)(?:0\.0\.0\.0|\[::\])(?=[:/]|$)/, '$1127.0.0.1')
}

function readQueues(read: EnvironmentReader): readonly [string, ...string[]] {
  const [first = 'cpu', ...others] = read.list('WORKER_QUEUES', ['cpu', 'gpu'], QUEUE_NAME)
  if (new Set([first, ...others]).size !== others.length + 1) {
    read.problems.push('WORKER_QUEUES names a queue twice')
  }
  if (others.length >= QUEUES_MAX) {
    read.problems.push(`WORKER_QUEUES has ${others.length + 1} queues: want at most ${QUEUES_MAX}`)
  }
  return [first, ...others]
}

/** A queue that this worker does not serve may be named: the model is then not offered here. */
function readModelQueues(read: EnvironmentReader): ReadonlyMap<string, string> {
  const pairs = read.list('WORKER_MODEL_QUEUES', [], /^[^\s=,]+=[a-z][a-z0-9-]{0,31}$/)
  return new Map(
    pairs.map((pair): [string, string] => {
      const border = pair.indexOf('=')
      return [pair.slice(0, border), pair.slice(border + 1)]
    }),
  )
}

function readLimits(read: EnvironmentReader): PhaseLimits {
  const limits: PhaseLimits = {
    firstOutputMs: read.integer('WORKER_FIRST_OUTPUT_LIMIT_MS', 10_000, 100, 3_600_000),
    prefillMsPerToken: read.integer('WORKER_PREFILL_LIMIT_MS_PER_TOKEN', 20, 0, 1_000),
    loadMs: read.integer('WORKER_LOAD_LIMIT_MS', 300_000, 100, 3_600_000),
    silenceMs: read.integer('WORKER_SILENCE_LIMIT_MS', 10_000, 100, 3_600_000),
    toolCallMs: read.integer('WORKER_TOOL_CALL_LIMIT_MS', 120_000, 100, 3_600_000),
  }
  if (limits.loadMs < limits.firstOutputMs) {
    read.problems.push('WORKER_LOAD_LIMIT_MS must not be below WORKER_FIRST_OUTPUT_LIMIT_MS')
  }
  if (limits.toolCallMs < limits.silenceMs) {
    read.problems.push('WORKER_TOOL_CALL_LIMIT_MS must not be below WORKER_SILENCE_LIMIT_MS')
  }
  return limits
}
