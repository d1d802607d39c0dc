// What JetStream's silence and refusals come to, at the dispatcher itself: time is a number that
// the test moves. What workers and gateways do is in `handle-work.test.ts`.

import assert from 'node:assert/strict'
import { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { encodeFrame } from '#wire/frames.ts'
import { interactiveConsumerPlan, interactiveStreamPlan } from '#wire/streams.ts'
import { INTERACTIVE_STREAM, INTERACTIVE_SUBJECTS } from '#wire/subjects.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { workHead } from '../../test/support/region-caller.ts'
import { connectNats, type Nats } from '../nats-connection.ts'
import type { Attempt } from './attempt.ts'
import { Dispatcher } from './dispatch.ts'
import { Relay } from './relay.ts'
import { WorkFailed } from './work-failed.ts'

interface Bench extends AsyncDisposable {
  readonly nats: Nats
  readonly dispatcher: Dispatcher
  /** What the observer was told, in order. */
  readonly seen: string[]
  /** Opens and publishes an attempt. */
  publish(): Attempt
  /** Moves the clock and looks at it. */
  pass(ms: number): void
  createStream(): Promise<void>
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startNatsServer({ jetstream: true }))
  const nats = await connectNats({ url: server.url, name: 't', inboxPrefix: '_INBOX.ingress.i1' })
  opened.defer(() => nats.close())
  let nowMs = 0
  const seen: string[] = []
  const dispatcher = new Dispatcher({
    nats,
    ingressId: 'i1',
    queues: ['cpu'],
    limits: {
      publishAnswerMs: 1_000,
      publishRepeatMs: 300,
      sayQueuedEveryMs: 1_000,
      workerSilenceMs: 2_500,
      slowReaderMs: 30_000,
      ackWaitMs: 2_000,
      messageAgeMs: 120_000,
    },
    observer: {
      publishAnswered: () => seen.push('answered'),
      publishFailed: (why) => seen.push(why),
      started: (queue) => seen.push(`started in ${queue}`),
      withdrawn: () => seen.push('withdrawn'),
      paused: () => seen.push('paused'),
    },
    now: () => nowMs,
  })
  opened.defer(() => dispatcher.close())
  const all = opened.move()
  return {
    nats,
    dispatcher,
    seen,
    publish() {
      const request = { method: 'POST', httpVersionMajor: 1, httpVersionMinor: 1 }
      const relay = new Relay(new ServerResponse(request as never), 1_000_000)
      const attempt = dispatcher.open(workHead(), 'cpu', relay)
      dispatcher.publish(attempt, Buffer.from('{}'))
      return attempt
    },
    pass(ms) {
      nowMs += ms
      dispatcher.sweep(nowMs)
    },
    async createStream() {
      const plan = { queues: ['cpu'], queueMessagesMax: 100, replicas: 1 }
      await nats.ensureStream(interactiveStreamPlan(plan))
      await nats.ensureConsumer(INTERACTIVE_STREAM, interactiveConsumerPlan('cpu'))
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const isNobody = ({ phase }: Attempt): boolean => phase.name === 'publishing' && phase.nobody

async function failureOf(attempt: Attempt): Promise<string> {
  const error: unknown = await attempt.untilStarted().catch((failed: unknown) => failed)
  assert.ok(error instanceof WorkFailed)
  return `${error.failure.code}, started: ${error.failure.workStarted}`
}

test('a publish that no stream takes is repeated thrice and then has not started', async () => {
  await using bench = await openBench()
  const { publish, pass, seen, dispatcher } = bench
  const attempt = publish()

  for (const repeats of [1, 2, 3]) {
    await eventually('the server says that nobody listens', () => isNobody(attempt))
    pass(repeats < 3 ? 100 : 99)
    assert.equal(attempt.phase.name === 'publishing' && attempt.phase.repeats, repeats)
  }
  await eventually('the server says it again', () => isNobody(attempt))
  pass(1)

  assert.equal(await failureOf(attempt), 'not-accepting, started: no')
  assert.deepEqual(seen, ['nobody'])
  assert.deepEqual(dispatcher.loadOf('cpu'), { queued: 0, running: 0, runningPeak: 0 })
})

test('a publish that found nobody reaches a stream that comes back meanwhile', async () => {
  await using bench = await openBench()
  const { publish, pass, createStream } = bench
  const attempt = publish()
  await eventually('the server says that nobody listens', () => isNobody(attempt))

  await createStream()
  pass(100)

  await eventually('it is queued', () => attempt.phase.name === 'queued')
})

test('a publish without an answer has an unknown fate, a late answer withdraws it', async () => {
  await using bench = await openBench()
  const { publish, pass, seen, nats, dispatcher } = bench
  let inbox = ''
  // A plain subscriber takes the message, so that the server does not say that nobody did.
  nats.subscribe(INTERACTIVE_SUBJECTS, (message) => {
    inbox = message.header('meridian-inbox')
  })
  const attempt = publish()
  await eventually('it was published', () => inbox !== '')

  pass(1_000)
  assert.equal(await failureOf(attempt), 'no-answer, started: unknown')
  assert.equal(dispatcher.withdrawals, 1)
  nats.publish(inbox, '{"stream":"INTERACTIVE","error":{"err_code":10077}}')

  await eventually('it is forgotten', () => dispatcher.withdrawals === 0)
  assert.deepEqual(seen, ['silence'])
})

test('an error of JetStream other than full is not accepting, and tells on the lane', async () => {
  await using bench = await openBench()
  const { publish, seen, nats } = bench
  nats.subscribe(INTERACTIVE_SUBJECTS, ({ reply }) => {
    nats.publish(reply, '{"stream":"INTERACTIVE","error":{"err_code":10008}}')
  })

  assert.equal(await failureOf(publish()), 'not-accepting, started: no')
  assert.deepEqual(seen, ['refused'])
})

test('a start may come before the answer to the publish', async () => {
  await using bench = await openBench()
  const { publish, nats, seen, dispatcher } = bench
  nats.subscribe(INTERACTIVE_SUBJECTS, (message) => {
    nats.publish(message.reply, encodeFrame('started', 1, '{"worker":"w1"}'))
    nats.publish(message.reply, '{"stream":"INTERACTIVE","seq":7}')
  })
  const attempt = publish()

  await attempt.untilStarted()
  await eventually('the answer came too', () => seen.includes('answered'))

  assert.equal(attempt.worker, 'w1')
  assert.deepEqual(dispatcher.loadOf('cpu'), { queued: 0, running: 1, runningPeak: 1 })
})

test('what ran in this beat is remembered until the next one begins', async () => {
  await using bench = await openBench()
  const { publish, nats, dispatcher } = bench
  nats.subscribe(INTERACTIVE_SUBJECTS, ({ reply }) => {
    nats.publish(reply, encodeFrame('started', 1, '{"worker":"w1"}'))
  })
  const attempt = publish()
  await attempt.untilStarted()
  dispatcher.giveUp(attempt, 'cancelled')
  await assert.rejects(attempt.untilEnded())

  const inThisBeat = dispatcher.loadOf('cpu').runningPeak
  dispatcher.beginBeat()

  assert.equal(inThisBeat, 1)
  assert.equal(dispatcher.loadOf('cpu').runningPeak, 0)
})

test('an attempt that is given up before it was published never is', async () => {
  await using bench = await openBench()
  const { publish, nats, dispatcher, seen, createStream } = bench
  await createStream()
  const attempt = publish()

  dispatcher.giveUp(attempt, 'cancelled')

  assert.equal(await failureOf(attempt), 'cancelled, started: no')
  const next = publish()
  await eventually('the next one is queued', () => next.phase.name === 'queued')
  assert.ok(next.phase.name === 'queued' && next.phase.seq === 1)
  assert.deepEqual(seen, ['answered'])
  assert.ok(nats.isConnected)
})

test('a standstill of the process is not held against the workers', async () => {
  await using bench = await openBench()
  const { publish, nats, pass, dispatcher } = bench
  nats.subscribe(INTERACTIVE_SUBJECTS, ({ reply }) => {
    nats.publish(reply, encodeFrame('started', 1, '{"worker":"w1"}'))
  })
  const attempt = publish()
  await attempt.untilStarted()

  pass(10_000) // As after SIGSTOP and SIGCONT: frames may wait in the socket.
  assert.equal(attempt.phase.name, 'running')
  pass(100)

  await assert.rejects(attempt.untilEnded(), { message: 'worker-lost' })
  assert.equal(dispatcher.loadOf('cpu').running, 0)
})

test('the oldest wait is that of the first attempt that has not started', async () => {
  await using bench = await openBench()
  const { publish, pass, dispatcher, createStream } = bench
  await createStream()
  assert.equal(dispatcher.oldestWaitMs('cpu'), 0)
  publish()
  pass(300)
  publish()
  pass(100)

  assert.equal(dispatcher.oldestWaitMs('cpu'), 400)
  assert.equal(dispatcher.oldestWaitMs('gpu'), 0)
  assert.deepEqual(dispatcher.loadOf('gpu'), { queued: 0, running: 0, runningPeak: 0 })
})
