import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interactiveStreamPlan } from '#wire/streams.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { connectNats, type Nats, PlanDifference } from '../nats-connection.ts'
import { createLog, type Log } from '../observe/log.ts'
import { Lane } from './lane.ts'

const PLAN = { queues: ['cpu', 'gpu'], queueMessagesMax: 100, replicas: 1 }

interface Bench extends AsyncDisposable {
  readonly nats: Nats
  readonly lane: Lane
  /** Messages of the log at `error`. */
  readonly errors: string[]
  /** Moves the clock and looks at it. */
  pass(ms: number): void
  deleteStream(): Promise<void>
}

async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startNatsServer({ jetstream: true }))
  const nats = await connectNats({ url: server.url, name: 't', inboxPrefix: '_INBOX.ingress.i1' })
  opened.defer(() => nats.close())
  const errors: string[] = []
  let nowMs = 0
  const lane = new Lane({ nats, plan: PLAN, log: errorLog(errors), now: () => nowMs })
  const all = opened.move()
  return {
    nats,
    lane,
    errors,
    pass(ms) {
      nowMs += ms
      lane.sweep(nowMs)
    },
    deleteStream: () =>
      new Promise((resolve) => {
        const reply = '_INBOX.ingress.i1.deleted'
        nats.subscribe(reply, () => resolve())
        nats.publish('$JS.API.STREAM.DELETE.INTERACTIVE', '', { reply })
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

function errorLog(errors: string[]): Log {
  const write = (line: string): void => void errors.push(JSON.parse(line)['exception.message'])
  return createLog({ role: 'ingress', region: 'r1', id: 'i1', level: 'error', out: { write } })
}

test('a lane takes work once stream and consumers stand, and may find them there', async () => {
  await using bench = await openBench()
  const { lane } = bench
  assert.equal(lane.problem, 'streams-unknown')

  await lane.ensure()
  await lane.ensure()

  assert.equal(lane.problem, undefined)
})

test('a stream with another setting is named with its field', async () => {
  await using bench = await openBench()
  const { nats, lane } = bench
  await nats.ensureStream(interactiveStreamPlan({ ...PLAN, queueMessagesMax: 7 }))

  await assert.rejects(lane.ensure(), (error: unknown) => {
    assert.ok(error instanceof PlanDifference)
    assert.match(error.message, /stream INTERACTIVE exists with max_msgs_per_subject = 7/)
    return true
  })
})

test('a stream that is gone is made again as soon as work finds out', async () => {
  await using bench = await openBench()
  const { lane, pass, deleteStream } = bench
  await lane.ensure()
  await deleteStream()

  pass(1_999) // Too early for the check that runs without traffic.
  assert.equal(lane.problem, undefined)
  lane.publishFailed('nobody')
  assert.equal(lane.problem, 'streams-unknown')
  pass(0)

  await eventually('it takes work again', () => lane.problem === undefined)
})

test('without traffic a check finds a stream that differs, and says so once', async () => {
  await using bench = await openBench()
  const { lane, nats, pass, deleteStream, errors } = bench
  await lane.ensure()
  await deleteStream()
  await nats.ensureStream(interactiveStreamPlan({ ...PLAN, queueMessagesMax: 7 }))

  pass(2_000)
  await eventually('it is noticed', () => lane.problem === 'streams-differ')
  pass(250)
  await deleteStream()
  await eventually('the stream is made as planned', () => {
    pass(250)
    return lane.problem === undefined
  })

  assert.equal(errors.length, 1)
  assert.match(errors[0] ?? '', /max_msgs_per_subject = 7, wanted 100/)
})

test('two publishes in a row without an answer close the lane, one answer opens it', async () => {
  await using bench = await openBench()
  const { lane } = bench
  await lane.ensure()

  lane.publishFailed('silence')
  assert.equal(lane.problem, undefined)
  lane.publishFailed('refused')
  assert.equal(lane.problem, 'publishes-unanswered')
  lane.publishAnswered()

  assert.equal(lane.problem, undefined)
})

test('what was known of the streams does not outlive the connection', async () => {
  await using bench = await openBench()
  const { lane, pass } = bench
  await lane.ensure()

  lane.connectionChanged(false)
  assert.equal(lane.problem, 'nats-away')
  lane.connectionChanged(true)
  assert.equal(lane.problem, 'streams-unknown')
  pass(0)

  await eventually('it takes work again', () => lane.problem === undefined)
})
