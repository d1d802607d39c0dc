import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFrame } from '#wire/frames.ts'
import { FrameOrder, workerOfStarted } from './frame-order.ts'

/** Takes numbers in; `R` is the start of a rival. */
function places(...events: readonly (number | 'R')[]): readonly string[] {
  const order = new FrameOrder()
  return events.map((event) => {
    if (event === 'R') return order.admitRival() ? 'rival' : 'one too many'
    return order.take(event)
  })
}

test('numbers in order belong to the answer, and the order knows the next one', () => {
  const order = new FrameOrder()

  assert.deepEqual(
    [1, 2, 3].map((sequence) => order.take(sequence)),
    ['next', 'next', 'next'],
  )
  assert.equal(order.next, 4)
})

test('a number that is missing or repeated breaks the answer', () => {
  assert.deepEqual(places(1, 2, 4), ['next', 'next', 'broken'])
  assert.deepEqual(places(1, 2, 2), ['next', 'next', 'broken'])
  assert.deepEqual(places(2), ['broken'])
  assert.deepEqual(places(0), ['broken'])
})

test('the frames of a cancelled rival are told apart by their count', () => {
  assert.deepEqual(places(1, 2, 3, 4, 'R', 2, 5, 3, 6), [
    ...['next', 'next', 'next', 'next', 'rival', 'foreign', 'next', 'foreign', 'next'],
  ])
})

test('where both counts meet after content has gone out, nobody can say whose the frame is', () => {
  assert.deepEqual(places(1, 2, 3, 'R', 2, 3, 4), [
    ...['next', 'next', 'next', 'rival', 'foreign', 'foreign', 'broken'],
  ])
})

test('where both counts meet before any content, either may go on and a repeat ends it', () => {
  assert.deepEqual(places(1, 'R', 2, 3), ['next', 'rival', 'next', 'next'])
  assert.deepEqual(places(1, 'R', 2, 2), ['next', 'rival', 'next', 'broken'])
})

test('a third worker is one too many to be told apart', () => {
  assert.deepEqual(places(1, 'R', 'R'), ['next', 'rival', 'one too many'])
})

test('a worker is read from a started frame only, and only by a name that fits a subject', () => {
  const started = (payload: string): Buffer => encodeFrame('started', 1, payload)

  assert.equal(workerOfStarted(started('{"worker":"gpu-7"}')), 'gpu-7')
  assert.equal(workerOfStarted(encodeFrame('delta', 1, '{"worker":"gpu-7"}')), undefined)
  for (const payload of ['{"worker":"*"}', '{"worker":"a.b"}', '{"worker":7}', 'null', '', '{']) {
    assert.equal(workerOfStarted(started(payload)), undefined)
  }
})
