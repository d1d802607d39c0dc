import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LINGER_MS, Outbox } from './outbox.ts'

test('what is published leaves at the end of the turn, in order with other tasks', async () => {
  const sent: string[] = []
  const outbox = outboxInto(sent)

  outbox.publish('a', '')
  outbox.atTurnEnd(() => sent.push('task'))
  outbox.publish('b', '')

  assert.deepEqual(sent, [])
  await outbox.flush()
  assert.deepEqual(sent, ['a', 'task', 'b'])
})

test('what a task publishes leaves too', async () => {
  const sent: string[] = []
  const outbox = outboxInto(sent)
  outbox.atTurnEnd(() => outbox.publish('a', ''))

  await outbox.flush()
  await outbox.flush()

  assert.deepEqual(sent, ['a'])
})

test('what nobody waits for leaves with what does not wait, in order', async () => {
  const sent: string[] = []
  const outbox = outboxInto(sent)

  outbox.publishSoon('acknowledgement', '')
  outbox.publish('token', '')
  await outbox.flush()

  assert.deepEqual(sent, ['acknowledgement', 'token'])
})

test('what nobody waits for leaves alone when nothing follows', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const sent: string[] = []
  const outbox = outboxInto(sent)

  outbox.publishSoon('acknowledgement', '')
  t.mock.timers.tick(LINGER_MS - 1)
  const before = [...sent]
  t.mock.timers.tick(1)

  assert.deepEqual(before, [])
  assert.deepEqual(sent, ['acknowledgement'])
})

test('while the connection is away nothing is taken', async () => {
  const sent: string[] = []
  const outbox = outboxInto(sent, false)

  assert.equal(outbox.publish('a', ''), false)
  await outbox.flush()
  assert.deepEqual(sent, [])
})

function outboxInto(sent: string[], isConnected = true): Outbox {
  const publish = (subject: string): boolean => sent.push(subject) > 0
  return new Outbox({ isConnected, publish })
}
