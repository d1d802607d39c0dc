// An ingress reduced to its side of NATS: it publishes work and keeps every frame that comes back.

import { randomBytes } from 'node:crypto'
import { decodeFrame, type Frame, type FrameType } from '#wire/frames.ts'
import type { WorkHead } from '#wire/region-api.ts'
import { interactiveConsumerPlan, interactiveStreamPlan } from '#wire/streams.ts'
import {
  frameInbox,
  frameInboxPrefix,
  INTERACTIVE_STREAM,
  interactiveSubject,
  WORKER_HEARTBEATS,
  WORKER_OFFLINES,
  workerControlSubject,
} from '#wire/subjects.ts'
import {
  encodeWorkerCommand,
  encodeWorkMessageHead,
  type WorkerCommand,
  workIdOf,
} from '#wire/work-message.ts'
import { decodeWorkerHeartbeat, type WorkerHeartbeat } from '#wire/worker-heartbeat.ts'
import { connectNats, type Nats } from '../../regional-worker/nats-connection.ts'
import { eventually } from './eventually.ts'

export interface WorkOrder extends Partial<Omit<WorkHead, 'requestId' | 'attempt'>> {
  readonly queue?: string
  readonly body?: string | Buffer
  /** Further headers of the message. */
  readonly headers?: readonly (readonly [string, string])[]
}

/** One attempt, as an ingress sees it. */
export interface SeenAttempt {
  readonly workId: string
  readonly token: string
  readonly frames: readonly Frame[]
  /** JetStream's answer to the publish; '' until it comes. */
  readonly receipt: string
  /** Waits for the first frame of a type. */
  frame(type: FrameType): Promise<Frame>
  /** Waits for the frame that ends the attempt. */
  end(): Promise<Frame>
  /** Payloads of deltas and done, put together. */
  text(): string
  types(): readonly FrameType[]
}

export interface FakeIngress {
  readonly id: string
  readonly nats: Nats
  readonly heartbeats: readonly WorkerHeartbeat[]
  readonly offline: readonly string[]
  /** Creates stream and consumers where they are not. */
  ensureStreams(): Promise<void>
  publish(order?: WorkOrder): SeenAttempt
  command(workerId: string, command: WorkerCommand['command'], workId: string): void
  /** Stops to listen for frames, as an ingress that has died. */
  deafen(): void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface FakeIngressOptions {
  readonly natsUrl: string
  readonly queues?: readonly string[]
}

/** Connects, creates the streams and listens. */
export async function startFakeIngress(options: FakeIngressOptions): Promise<FakeIngress> {
  const queues = options.queues ?? ['cpu', 'gpu']
  const id = `fake-${randomBytes(3).toString('hex')}`
  const prefix = frameInboxPrefix(id)
  const nats = await connectNats({ url: options.natsUrl, name: id, inboxPrefix: prefix })
  const attempts = new Map<string, Attempt>()
  const heartbeats: WorkerHeartbeat[] = []
  const offline: string[] = []
  const deafen = nats.subscribe(`${prefix}.*`, ({ subject, data }) => {
    attempts.get(lastTokenOf(subject))?.take(data)
  })
  nats.subscribe(WORKER_HEARTBEATS, ({ subject, data }) => {
    const beat = decodeWorkerHeartbeat(Buffer.from(data).toString(), lastTokenOf(subject))
    if (beat !== undefined) heartbeats.push(beat)
  })
  nats.subscribe(WORKER_OFFLINES, ({ subject }) => offline.push(lastTokenOf(subject)))

  const ensureStreams = async (): Promise<void> => {
    await nats.ensureStream(interactiveStreamPlan({ queues, queueMessagesMax: 1_000, replicas: 1 }))
    for (const queue of queues) {
      await nats.ensureConsumer(INTERACTIVE_STREAM, interactiveConsumerPlan(queue))
    }
  }
  await ensureStreams()
  const close = (): Promise<void> => nats.close()
  return {
    id,
    nats,
    heartbeats,
    offline,
    ensureStreams,
    publish: ({ queue = 'cpu', body = '{"model":"m"}', headers = [], ...head } = {}) => {
      const token = randomBytes(16).toString('hex')
      const requestId = `req_test_${randomBytes(12).toString('hex')}`
      const attempt = new Attempt(workIdOf(requestId, 1), token)
      attempts.set(token, attempt)
      const inbox = frameInbox(id, token)
      const full: WorkHead = {
        kind: 'chat',
        model: 'm',
        deadlineMs: 60_000,
        queueDeadlineMs: 30_000,
        priority: 'standard',
        hop: 0,
        ...head,
        requestId,
        attempt: 1,
      }
      nats.publish(interactiveSubject(queue), body, {
        reply: inbox,
        headers: [...encodeWorkMessageHead(full, inbox), ...headers],
      })
      return attempt
    },
    command: (workerId, command, workId) => {
      nats.publish(workerControlSubject(workerId), encodeWorkerCommand({ command, workId }))
    },
    deafen,
    close,
    [Symbol.asyncDispose]: close,
  }
}

class Attempt implements SeenAttempt {
  readonly workId: string
  readonly token: string
  readonly frames: Frame[] = []
  receipt = ''

  constructor(workId: string, token: string) {
    this.workId = workId
    this.token = token
  }

  take(data: Uint8Array): void {
    const frame = decodeFrame(data)
    if (frame === undefined) this.receipt = Buffer.from(data).toString()
    else this.frames.push(frame)
  }

  frame(type: FrameType): Promise<Frame> {
    return eventually(`a frame ${type} comes, after ${this.types()}`, () =>
      this.frames.find((frame) => frame.type === type),
    )
  }

  end(): Promise<Frame> {
    return eventually(`the attempt ends, after ${this.types()}`, () =>
      this.frames.find(({ type }) => type === 'done' || type === 'failed'),
    )
  }

  text(): string {
    const content = this.frames.filter(({ type }) => type === 'delta' || type === 'done')
    return Buffer.concat(content.map(({ payload }) => payload)).toString()
  }

  types(): readonly FrameType[] {
    return this.frames.map(({ type }) => type)
  }
}

function lastTokenOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}
