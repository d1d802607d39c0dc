import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slots } from './slots.ts'

const NEVER = new AbortController().signal

test('as many as there are slots run at once, and the next waits for a release', async () => {
  const slots = new Slots(2, 10)
  assert.equal(await slots.take(NEVER), 'taken')
  assert.equal(await slots.take(NEVER), 'taken')
  const third = slots.take(NEVER)
  assert.deepEqual([slots.running, slots.waiting], [2, 1])
  slots.release()
  assert.equal(await third, 'taken')
  assert.deepEqual([slots.running, slots.waiting], [2, 0])
  slots.release()
  slots.release()
  assert.equal(slots.running, 0)
})

test('those who wait get their turn in the order in which they came', async () => {
  const slots = new Slots(1, 10)
  await slots.take(NEVER)
  const order: number[] = []
  const turns = [1, 2, 3].map(async (turn) => {
    await slots.take(NEVER)
    order.push(turn)
    slots.release()
  })
  slots.release()
  await Promise.all(turns)
  assert.deepEqual(order, [1, 2, 3])
})

test('when enough wait already, the next is told so at once', async () => {
  const slots = new Slots(1, 1)
  await slots.take(NEVER)
  void slots.take(NEVER)
  assert.equal(await slots.take(NEVER), 'full')
  assert.deepEqual([slots.running, slots.waiting], [1, 1])
})

test('every change is told, so that whoever watches need not poll', async () => {
  const seen: string[] = []
  const slots = new Slots(1, 10, () => seen.push(`${slots.running}+${slots.waiting}`))
  await slots.take(NEVER)
  const second = slots.take(NEVER)
  slots.release()
  await second
  slots.release()
  assert.deepEqual(seen, ['1+0', '1+1', '1+0', '0+0'])
})

test('whoever goes away while waiting leaves no gap and takes no slot', async () => {
  const slots = new Slots(1, 10)
  await slots.take(NEVER)
  const leaver = new AbortController()
  const left = slots.take(leaver.signal)
  const next = slots.take(NEVER)
  leaver.abort(new Error('gone'))
  await assert.rejects(left, { message: 'gone' })
  slots.release()
  assert.equal(await next, 'taken')
  assert.deepEqual([slots.running, slots.waiting], [1, 0])
  await assert.rejects(slots.take(leaver.signal), { message: 'gone' })
})
