import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlotQueue } from './slot-queue.ts'
import { VirtualClock } from './virtual-clock.ts'

test('work is served in the order of its arrival, and refused beyond slots and queue', () => {
  const clock = new VirtualClock()
  const queue = new SlotQueue(clock, 1, 2)
  const seen: string[] = []
  const offer = (name: string) =>
    queue.offer({
      serviceMs: 10,
      onStarted: () => seen.push(`${name} started at ${clock.nowMs}`),
      onEnded: () => seen.push(`${name} ended at ${clock.nowMs}`),
    })

  const answers = ['a', 'b', 'c', 'd'].map(offer)

  assert.deepEqual(answers, ['taken', 'taken', 'taken', 'refused'])
  assert.deepEqual([queue.busy, queue.queued], [1, 2])
  clock.runUntil()
  assert.deepEqual(
    seen,
    ['a 0 10', 'b 10 20', 'c 20 30'].flatMap((line) => {
      const [name, from, to] = line.split(' ')
      return [`${name} started at ${from}`, `${name} ended at ${to}`]
    }),
  )
  assert.deepEqual([queue.busy, queue.queued], [0, 0])
})

test('a queue that thousands have passed through still knows who is next', () => {
  const clock = new VirtualClock()
  const queue = new SlotQueue(clock, 3, 10_000)
  let lastStarted = -1
  for (let number = 0; number < 5_000; number += 1) {
    const onStarted = (): void => {
      assert.equal(number, lastStarted + 1)
      lastStarted = number
    }
    queue.offer({ serviceMs: 1 + (number % 7), onStarted, onEnded: () => undefined })
  }

  clock.runUntil()

  assert.equal(lastStarted, 4_999)
})
