import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BODY_PART_BYTES,
  bodyPartsOf,
  decodePartRequest,
  PART_TIMEOUT_MS,
  PARTS_AT_ONCE_MAX,
} from '#wire/large-body.ts'
import { workerInboxPrefix } from '#wire/subjects.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { connectNats, type NatsMessage } from '../nats-connection.ts'
import { startBodyFetcher } from './fetch-body.ts'

const INLINE: NatsMessage = {
  subject: 'work.interactive.cpu',
  data: Buffer.from('{"model":"m"}'),
  reply: '',
  status: 0,
  header: () => '',
}

test('a body inside the message is the body', async () => {
  await using world = await start()

  const fetched = await world.bodies.fetch(INLINE, { kind: 'inline' }, 'token')

  assert.ok(fetched.kind === 'body')
  assert.equal(fetched.body.toString(), '{"model":"m"}')
})

test('a body that lies elsewhere is put together in order, a few parts at a time', async () => {
  await using world = await start()
  const body = Buffer.alloc(BODY_PART_BYTES * 9 + 5).map((_, at) => at % 251)
  const parts = bodyPartsOf(body.length)
  let open = 0
  let openMax = 0
  await world.answer('big', (index, reply) => {
    open += 1
    openMax = Math.max(openMax, open)
    setImmediate(() => {
      open -= 1
      const from = index * BODY_PART_BYTES
      world.ingress.publish(reply, body.subarray(from, from + BODY_PART_BYTES))
    })
  })

  const fetched = await world.bodies.fetch(INLINE, { kind: 'parts', parts, subject: 'big' }, 't1')

  assert.ok(fetched.kind === 'body')
  assert.equal(Buffer.compare(fetched.body, body), 0)
  assert.ok(openMax <= PARTS_AT_ONCE_MAX, `${openMax} parts at once`)
})

test('an empty answer, and nobody to answer, say that the body is gone', async () => {
  await using world = await start()
  await world.answer('ended', (_index, reply) => world.ingress.publish(reply, ''))

  for (const subject of ['ended', 'nobody']) {
    const place = { kind: 'parts', parts: 1, subject } as const
    assert.deepEqual(await world.bodies.fetch(INLINE, place, `t-${subject}`), { kind: 'gone' })
  }
})

test('a part without an answer times out', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const bodies = startBodyFetcher({ publish: () => true, subscribe: () => () => undefined }, 'w1')

  const fetched = bodies.fetch(INLINE, { kind: 'parts', parts: 2, subject: 'silent' }, 't1')
  t.mock.timers.tick(PART_TIMEOUT_MS)

  assert.deepEqual(await fetched, { kind: 'timed-out' })
})

async function start() {
  const server = await startNatsServer()
  const nats = await connectNats({
    url: server.url,
    name: 'worker',
    inboxPrefix: workerInboxPrefix('w1'),
  })
  const ingress = await connectNats({ url: server.url, name: 'ingress', inboxPrefix: '_INBOX.i' })
  const bodies = startBodyFetcher(nats, 'w1')
  return {
    ingress,
    bodies,
    /** Resolves when the server knows who answers. */
    answer: async (subject: string, answer: (index: number, reply: string) => void) => {
      ingress.subscribe(subject, ({ data, reply }) => {
        const index = decodePartRequest(Buffer.from(data).toString(), 256)
        assert.ok(index !== undefined)
        answer(index, reply)
      })
      let isKnown = false
      ingress.subscribe(`${subject}-is-known`, () => {
        isKnown = true
      })
      ingress.publish(`${subject}-is-known`, '')
      await eventually('the server has heard it', () => isKnown)
    },
    [Symbol.asyncDispose]: async () => {
      bodies.close()
      await nats.close()
      await ingress.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
