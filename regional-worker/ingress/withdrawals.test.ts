// Method: a real stream; time is a number that the test moves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFrame } from '#wire/frames.ts'
import { interactiveConsumerPlan, interactiveStreamPlan } from '#wire/streams.ts'
import { INTERACTIVE_STREAM, interactiveSubject, workerControlSubject } from '#wire/subjects.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { connectNats, type Nats } from '../nats-connection.ts'
import { WITHDRAWALS_MAX, Withdrawals } from './withdrawals.ts'

const LIMITS = { publishAnswerMs: 1_000, ackWaitMs: 2_000, messageAgeMs: 120_000 }
const STARTED = encodeFrame('started', 1, '{"worker":"w1"}')

interface Bench extends AsyncDisposable {
  readonly nats: Nats
  readonly withdrawals: Withdrawals
  readonly cancelled: string[]
  /** Publishes one message and resolves with JetStream's answer to it. */
  publish(): Promise<Buffer>
  /** How many messages the stream holds. */
  stored(): Promise<number>
  /** Moves the clock and looks at it. */
  pass(ms: number): void
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startNatsServer({ jetstream: true }))
  const nats = await connectNats({ url: server.url, name: 't', inboxPrefix: '_INBOX.ingress.i1' })
  opened.defer(() => nats.close())
  const plan = { queues: ['cpu'], queueMessagesMax: 100, replicas: 1 }
  await nats.ensureStream(interactiveStreamPlan(plan))
  await nats.ensureConsumer(INTERACTIVE_STREAM, interactiveConsumerPlan('cpu'))
  const cancelled: string[] = []
  nats.subscribe(workerControlSubject('w1'), ({ data }) => {
    cancelled.push(JSON.parse(Buffer.from(data).toString()).workId)
  })
  let nowMs = 0
  const withdrawals = new Withdrawals(nats, LIMITS, () => nowMs)
  const all = opened.move()
  return {
    nats,
    withdrawals,
    cancelled,
    publish: () => ask(nats, interactiveSubject('cpu')),
    async stored() {
      const info = await ask(nats, `$JS.API.STREAM.INFO.${INTERACTIVE_STREAM}`)
      return JSON.parse(info.toString()).state.messages
    },
    pass(ms) {
      nowMs += ms
      withdrawals.sweep(nowMs)
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

let asked = 0

function ask(nats: Nats, subject: string): Promise<Buffer> {
  asked += 1
  const reply = `_INBOX.ingress.i1.answer${asked}`
  return new Promise((resolve) => {
    const unsubscribe = nats.subscribe(reply, ({ data }) => {
      unsubscribe()
      resolve(Buffer.from(data))
    })
    nats.publish(subject, '{}', { reply })
  })
}

test('a message that is stored is deleted, and then its work has not started', async () => {
  await using bench = await openBench()
  const { withdrawals, publish, stored } = bench
  const { seq } = JSON.parse((await publish()).toString())

  const workStarted = await withdrawals.withdraw('t1', 'work:1', { kind: 'stored', seq })

  assert.equal(workStarted, 'no')
  assert.equal(await stored(), 0)
})

test('of a message that is not there any more nobody can say whether it has started', async () => {
  await using bench = await openBench()
  const { withdrawals } = bench

  assert.equal(await withdrawals.withdraw('t1', 'work:1', { kind: 'stored', seq: 99 }), 'unknown')
})

test('a withdrawal waits for the answer to its publish and then deletes', async () => {
  await using bench = await openBench()
  const { withdrawals, publish, stored } = bench
  const withdrawn = withdrawals.withdraw('t1', 'work:1', { kind: 'unanswered' })

  withdrawals.take('t1', await publish(), false)

  assert.equal(await withdrawn, 'no')
  assert.equal(await stored(), 0)
})

for (const [situation, message, isNobody] of [
  ['the stream was full', Buffer.from('{"error":{"err_code":10077}}'), false],
  ['the stream refused it', Buffer.from('{"error":{"err_code":10023}}'), false],
  ['no stream took it', Buffer.alloc(0), true],
] as const) {
  test(`a withdrawal that hears that ${situation} has nothing left to do`, async () => {
    await using bench = await openBench()
    const { withdrawals } = bench
    const withdrawn = withdrawals.withdraw('t1', 'work:1', { kind: 'unanswered' })

    withdrawals.take('t1', message, isNobody)

    assert.equal(await withdrawn, 'no')
    assert.equal(withdrawals.size, 0)
  })
}

test('an answer that does not come leaves it unknown, and a late one still deletes', async () => {
  await using bench = await openBench()
  const { withdrawals, publish, stored, pass } = bench
  const withdrawn = withdrawals.withdraw('t1', 'work:1', { kind: 'unanswered' })

  pass(1_000)
  assert.equal(await withdrawn, 'unknown')
  withdrawals.take('t1', await publish(), false)

  await eventually('it is deleted', async () => (await stored()) === 0)
})

test('whoever starts what was withdrawn is cancelled, until nobody can any more', async () => {
  await using bench = await openBench()
  const { withdrawals, cancelled, pass, nats } = bench
  void withdrawals.withdraw('t1', 'work:1', { kind: 'taken' })

  pass(1_999)
  withdrawals.take('t1', STARTED, false)
  pass(1)
  withdrawals.take('t1', STARTED, false)
  nats.publish(workerControlSubject('w1'), '{"workId":"the last"}')

  await eventually('all was heard', () => cancelled.includes('the last'))
  assert.deepEqual(cancelled, ['work:1', 'the last'])
  assert.equal(withdrawals.size, 0)
})

test('what was never deleted is watched for as long as a stream keeps it', async () => {
  await using bench = await openBench()
  const { withdrawals, pass } = bench
  assert.equal(await withdrawals.withdraw('t1', 'work:1', { kind: 'lost' }), 'unknown')

  pass(119_999)
  assert.equal(withdrawals.size, 1)
  pass(1)
  assert.equal(withdrawals.size, 0)
})

test('frames other than a start, and frames of strangers, change nothing', async () => {
  await using bench = await openBench()
  const { withdrawals, cancelled, nats } = bench
  void withdrawals.withdraw('t1', 'work:1', { kind: 'taken' })

  withdrawals.take('t1', encodeFrame('delta', 2, '{}'), false)
  withdrawals.take('unheard of', STARTED, false)
  nats.publish(workerControlSubject('w1'), '{"workId":"the last"}')

  await eventually('all was heard', () => cancelled.includes('the last'))
  assert.deepEqual(cancelled, ['the last'])
})

test('one withdrawal more than the limit makes the oldest forgotten, which hears so', async () => {
  await using bench = await openBench()
  const { withdrawals } = bench
  const oldest = withdrawals.withdraw('t0', 'work:0', { kind: 'unanswered' })
  for (let at = 1; at < WITHDRAWALS_MAX; at += 1) {
    void withdrawals.withdraw(`t${at}`, `work:${at}`, { kind: 'lost' })
  }

  void withdrawals.withdraw('one more', 'work', { kind: 'lost' })

  assert.equal(await oldest, 'unknown')
  assert.equal(withdrawals.size, WITHDRAWALS_MAX)
})
