import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interactiveConsumerPlan } from '#wire/streams.ts'
import { INTERACTIVE_STREAM, workerInboxPrefix } from '#wire/subjects.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startFakeIngress } from '../../test/support/fake-ingress.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { connectNats, type NatsMessage } from '../nats-connection.ts'
import { Outbox } from './outbox.ts'
import { type PullEvent, startPullLoop } from './pull-loop.ts'
import { type Slot, Slots } from './slots.ts'

const ACK = '+ACK'

test('work of every queue is taken while there are free slots, and the rest waits', async () => {
  await using region = await start({ slots: 2 })
  region.ingress.publish({ queue: 'cpu' })
  region.ingress.publish({ queue: 'gpu' })
  region.ingress.publish({ queue: 'cpu' })
  await eventually('both slots are taken', () => region.taken.length === 2)

  assert.equal(region.slots.free, 0)
  region.finish()
  await eventually('the third is taken', () => region.taken.length === 3)
  assert.equal(region.count('asked') >= 4, true, 'each free slot asks each queue')
})

test('a message that comes when no slot is free is given back at once', async () => {
  await using region = await start({ slots: 1 })
  await eventually('both queues are asked', () => region.count('asked') === 2)
  const kept = region.slots.take() // Taken by something else, while the server holds two pulls.

  region.ingress.publish()
  await eventually('it is given back', () => region.count('returned') === 1)
  assert.equal(region.taken.length, 0)

  kept?.free()
  region.loop.fill()
  await eventually('it comes again', () => region.taken.length === 1)
})

test('a message that is not acknowledged comes again', async () => {
  await using region = await start({ slots: 2, acknowledges: false })
  region.ingress.publish()

  await eventually('it is delivered twice', () => region.taken.length === 2)
})

test('what comes while work must not be taken is given back, and nothing is asked', async () => {
  await using region = await start({ slots: 1 })
  await eventually('both queues are asked', () => region.count('asked') === 2)
  region.state.isOpen = false

  region.ingress.publish()

  await eventually('it is given back', () => region.count('returned') === 1)
  region.loop.fill()
  assert.equal(region.count('asked'), 2)
})

test('a queue without a consumer is asked for until the ingress has made it', async () => {
  await using region = await start({ slots: 1, ingressQueues: ['gpu'] })
  await eventually('it is refused', () => region.count('refused') > 0)

  const plan = interactiveConsumerPlan('cpu')
  await region.ingress.nats.ensureConsumer(INTERACTIVE_STREAM, plan)
  region.ingress.publish({ queue: 'cpu' })

  await eventually('work of the new queue is taken', () => region.taken.length === 1)
})

test('after a restart of the server, with streams made anew, work is taken again', async () => {
  await using region = await start({ slots: 2 })
  await eventually('the queues are asked', () => region.count('asked') === 4)

  await region.server.restart()
  await eventually(
    'both are back',
    () => region.nats.isConnected && region.ingress.nats.isConnected,
  )
  await region.ingress.ensureStreams()
  region.ingress.publish()

  await eventually('work is taken', () => region.taken.length === 1)
})

test('a deleted consumer ends its pulls, and they are asked again', async () => {
  await using region = await start({ slots: 2 })
  region.ingress.publish()
  // Both pulls left together: when one has brought something, the server holds the other.
  await eventually('work is taken', () => region.taken.length === 1)
  region.ingress.nats.publish(`$JS.API.CONSUMER.DELETE.${INTERACTIVE_STREAM}.cpu`, '')
  await eventually('the pull is refused', () => region.count('refused') > 0)

  await region.ingress.ensureStreams()
  region.ingress.publish()

  await eventually('work is taken again', () => region.taken.length === 2)
})

interface StartOptions {
  readonly slots: number
  /** Queues that the ingress has made consumers for; both when not given. */
  readonly ingressQueues?: readonly string[]
  readonly acknowledges?: boolean
}

/** A loop that takes messages and does nothing with them. */
async function start({ slots: total, ingressQueues, acknowledges = true }: StartOptions) {
  const server = await startNatsServer({ jetstream: true })
  const ingress = await startFakeIngress({
    natsUrl: server.url,
    ...(ingressQueues === undefined ? {} : { queues: ingressQueues }),
  })
  const nats = await connectNats({
    url: server.url,
    name: 'worker',
    inboxPrefix: workerInboxPrefix('w1'),
  })
  const slots = new Slots(total)
  const state = { isOpen: true }
  const taken: { message: NatsMessage; slot: Slot }[] = []
  const events: PullEvent[] = []
  const loop = startPullLoop({
    nats,
    outbox: new Outbox(nats),
    workerId: 'w1',
    queues: ['cpu', 'gpu'],
    slots,
    isOpen: () => state.isOpen,
    onWork: (message, slot) => {
      taken.push({ message, slot })
      if (acknowledges) nats.publish(message.reply, ACK)
    },
    onEvent: (event) => events.push(event),
  })
  return {
    server,
    ingress,
    nats,
    slots,
    state,
    taken,
    loop,
    count: (event: PullEvent) => events.filter((one) => one === event).length,
    /** Ends the oldest work that was taken. */
    finish: () => {
      taken[0]?.slot.free()
      loop.fill()
    },
    [Symbol.asyncDispose]: async () => {
      await nats.close()
      loop.close()
      loop.close()
      await ingress.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
