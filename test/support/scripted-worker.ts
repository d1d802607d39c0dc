// A worker whose every word the test says: a real client of NATS that pulls when told and answers
// what it is told, so that an ingress can be shown frames that no honest worker would send.

import { encodeFrame, type FrameType } from '#wire/frames.ts'
import { decodeBodyPlace, encodePartRequest, LARGE_BODY_HEADER } from '#wire/large-body.ts'
import {
  INTERACTIVE_STREAM,
  pullSubject,
  workerControlSubject,
  workerHeartbeatSubject,
  workerInboxPrefix,
  workerOfflineSubject,
} from '#wire/subjects.ts'
import { WIRE } from '#wire/version.ts'
import {
  decodeWorkerCommand,
  decodeWorkMessageHead,
  type WorkerCommand,
  type WorkMessageHead,
  workIdOf,
} from '#wire/work-message.ts'
import {
  encodeWorkerHeartbeat,
  HEARTBEAT_EVERY_MS,
  type WorkerHeartbeat,
} from '#wire/worker-heartbeat.ts'
import { connectNats, type Nats, type NatsMessage } from '../../regional-worker/nats-connection.ts'

export interface ScriptedWorkerOptions {
  readonly natsUrl: string
  readonly id?: string
  /** Names of models by queue; `qwen3:latest` in `cpu` when not given. */
  readonly models?: Readonly<Record<string, readonly string[]>>
  readonly slots?: number
}

export interface ScriptedWorker extends AsyncDisposable {
  readonly id: string
  readonly nats: Nats
  /** What ingresses have told it, in order. */
  readonly commands: readonly WorkerCommand[]
  /** Says its heartbeat now, and from now on every second, with these fields. */
  beat(fields?: Partial<WorkerHeartbeat>): void
  goOffline(): void
  /** Asks for one piece of work and waits for it. */
  pull(queue?: string): Promise<PulledWork>
}

/** A piece of work in the worker's hands; nothing is acknowledged or said unless the test does. */
export interface PulledWork {
  readonly head: WorkMessageHead
  readonly workId: string
  readonly message: NatsMessage
  /** The body, fetched in parts where it lies with the ingress; empty when it is gone. */
  body(): Promise<Buffer>
  ack(): void
  /** Sends the next frame. */
  say(type: FrameType, payload?: string | Buffer): void
  /** Sends a frame with a number of the test's own choice. */
  sayAs(sequence: number, type: FrameType, payload?: string | Buffer): void
  /** Acknowledges and sends `started`, with another name if the test wants one. */
  start(worker?: string): void
}

const PULL_EXPIRES_NS = 30_000_000_000

/** Starts a worker that has said its first heartbeat. Whoever starts it disposes of it. */
export async function startScriptedWorker(options: ScriptedWorkerOptions): Promise<ScriptedWorker> {
  const { natsUrl, id = 'w1', models = { cpu: ['qwen3:latest'] }, slots = 2 } = options
  const inboxPrefix = workerInboxPrefix(id)
  const nats = await connectNats({ url: natsUrl, name: `scripted ${id}`, inboxPrefix })
  const commands: WorkerCommand[] = []
  nats.subscribe(workerControlSubject(id), (message) => {
    const command = decodeWorkerCommand(Buffer.from(message.data).toString())
    if (command !== undefined) commands.push(command)
  })
  let heartbeat = heartbeatOf(id, slots, models)
  const say = (): void => {
    nats.publish(workerHeartbeatSubject(id), encodeWorkerHeartbeat(heartbeat))
  }
  say()
  const timer = setInterval(say, HEARTBEAT_EVERY_MS)
  return {
    id,
    nats,
    commands,
    beat(fields = {}) {
      heartbeat = { ...heartbeat, ...fields }
      say()
    },
    goOffline() {
      clearInterval(timer)
      nats.publish(workerOfflineSubject(id), '')
    },
    async pull(queue = 'cpu') {
      const subject = pullSubject(INTERACTIVE_STREAM, queue)
      const request = JSON.stringify({ batch: 1, expires: PULL_EXPIRES_NS })
      const message = await ask(nats, inboxPrefix, subject, request)
      return pulledWork(nats, inboxPrefix, id, message)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await nats.close()
    },
  }
}

function heartbeatOf(
  worker: string,
  slots: number,
  models: Readonly<Record<string, readonly string[]>>,
): WorkerHeartbeat {
  const entries = Object.entries(models).flatMap(([queue, names]) =>
    names.map((name) => {
      const tag = { name, model: name, digest: `digest-${name}` }
      return [name, { queue, digest: tag.digest, loaded: true, serviceMeanMs: 1_200, tag }] as const
    }),
  )
  return {
    worker,
    version: '0.1.0',
    wire: WIRE,
    queues: Object.keys(models),
    healthy: true,
    draining: false,
    slots,
    busy: 0,
    processed: 0,
    modelServer: { kind: 'stand-in', version: '0.13.5' },
    models: Object.fromEntries(entries),
  }
}

let inboxes = 0

/** Sends one request and waits for one answer that is no bare status. */
function ask(nats: Nats, inboxPrefix: string, subject: string, text: string): Promise<NatsMessage> {
  inboxes += 1
  const reply = `${inboxPrefix}.scripted${inboxes}`
  return new Promise((resolve, reject) => {
    const unsubscribe = nats.subscribe(reply, (message) => {
      unsubscribe()
      if (message.status === 0) resolve(message)
      else reject(new Error(`${subject} answered status ${message.status}`))
    })
    nats.publish(subject, text, { reply })
  })
}

function pulledWork(
  nats: Nats,
  inboxPrefix: string,
  worker: string,
  message: NatsMessage,
): PulledWork {
  const head = decodeWorkMessageHead((name) => message.header(name))
  if (head === undefined) throw new Error('the head of the work message is malformed')
  let sequence = 0
  const sayAs = (number: number, type: FrameType, payload: string | Buffer = ''): void => {
    nats.publish(head.inbox, encodeFrame(type, number, payload))
  }
  const say = (type: FrameType, payload?: string | Buffer): void => {
    sequence += 1
    sayAs(sequence, type, payload)
  }
  const ack = (): void => void nats.publish(message.reply, '+ACK')
  return {
    head,
    workId: workIdOf(head.requestId, head.attempt),
    message,
    ack,
    say,
    sayAs,
    start(name = worker) {
      ack()
      say('started', JSON.stringify({ worker: name }))
    },
    async body() {
      const place = decodeBodyPlace(message.header(LARGE_BODY_HEADER))
      if (place.kind === 'inline') return Buffer.from(message.data)
      if (place.kind === 'problem') throw new Error('the place of the body is malformed')
      const parts: Uint8Array[] = []
      for (let index = 0; index < place.parts; index += 1) {
        const part = await ask(nats, inboxPrefix, place.subject, encodePartRequest(index))
        if (part.data.length === 0) return Buffer.alloc(0)
        parts.push(part.data.slice())
      }
      return Buffer.concat(parts)
    },
  }
}
