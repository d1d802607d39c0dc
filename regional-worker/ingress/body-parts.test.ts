import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BODY_PART_BYTES } from '#wire/large-body.ts'
import { workerInboxPrefix } from '#wire/subjects.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { connectNats, type NatsMessage } from '../nats-connection.ts'
import { answerPartRequest } from './body-parts.ts'

const BODY = Buffer.alloc(BODY_PART_BYTES + 3, 'abc')

/** Asks with this text and hands out all that came to the worker until the last answer. */
async function ask(text: string, body: Buffer | undefined, reply?: string): Promise<Buffer[]> {
  await using server = await startNatsServer()
  const inboxPrefix = workerInboxPrefix('w1')
  const worker = await connectNats({ url: server.url, name: 'worker', inboxPrefix })
  const ingress = await connectNats({ url: server.url, name: 'ingress', inboxPrefix: '_INBOX.x' })
  await using closing = new AsyncDisposableStack()
  closing.defer(() => worker.close())
  closing.defer(() => ingress.close())
  const heard: Buffer[] = []
  const first = Promise.withResolvers<void>()
  const last = Promise.withResolvers<void>()
  worker.subscribe('>', ({ subject, data }) => {
    if (subject === 'first') first.resolve()
    else if (subject === 'last') last.resolve()
    else heard.push(Buffer.from(data))
  })
  worker.publish('first', '')
  await first.promise // The server knows of the subscription.
  const request = { reply: reply ?? `${inboxPrefix}.1`, data: Buffer.from(text) }

  answerPartRequest(ingress, request as unknown as NatsMessage, body)
  ingress.publish('last', '')
  await last.promise
  return heard
}

test('each part is answered by its bytes', async () => {
  assert.deepEqual(await ask('0', BODY), [BODY.subarray(0, BODY_PART_BYTES)])
  assert.deepEqual(await ask('1', BODY), [BODY.subarray(BODY_PART_BYTES)])
})

test('a body that is gone and a part that it does not have are answered by no bytes', async () => {
  assert.deepEqual(await ask('0', undefined), [Buffer.alloc(0)])
  assert.deepEqual(await ask('2', BODY), [Buffer.alloc(0)])
  assert.deepEqual(await ask('x', BODY), [Buffer.alloc(0)])
})

test('a reply that is no inbox of a worker is not written to', async () => {
  assert.deepEqual(await ask('0', BODY, 'work.interactive.cpu'), [])
  assert.deepEqual(await ask('0', BODY, ''), [])
})
