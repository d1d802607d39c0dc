import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  nextOverfull,
  OPEN_LATCH,
  type OverfullEvent,
  type OverfullLatch,
} from './overfull-latch.ts'

const RELEASE = 0.9
const REFUSED: OverfullEvent = { kind: 'refused' }

function reported(busy: number, queued = 0, slots = 20): OverfullEvent {
  return { kind: 'reported', slots, busy, queued, queueLimit: 10 }
}

function after(...events: readonly OverfullEvent[]): OverfullLatch {
  return events.reduce<OverfullLatch>(
    (state, event) => nextOverfull(state, event, RELEASE),
    OPEN_LATCH,
  )
}

// 20 slots and a queue of 10: full from 8 queued on, calm up to 18 in all.
const HISTORIES: readonly [
  situation: string,
  events: readonly OverfullEvent[],
  kind: OverfullLatch['kind'],
][] = [
  ['nothing has happened', [], 'open'],
  ['the queue is not nearly full', [reported(20, 7)], 'open'],
  ['the queue is nearly full', [reported(20, 8)], 'overfull'],
  ['a refusal came', [REFUSED], 'overfull'],
  ['one calm report came since', [REFUSED, reported(18)], 'overfull'],
  ['two calm reports came since', [REFUSED, reported(18), reported(18)], 'open'],
  ['the two were not in a row', [REFUSED, reported(18), reported(19), reported(18)], 'overfull'],
  ['a refusal came between them', [REFUSED, reported(18), REFUSED, reported(18)], 'overfull'],
  ['reports just above the release go on', [REFUSED, reported(17, 2), reported(19)], 'overfull'],
  ['few are busy and yet the queue is full', [REFUSED, reported(2, 9), reported(2)], 'overfull'],
  ['no slots are left', [REFUSED, reported(0, 0, 0), reported(0, 0, 0)], 'overfull'],
]

for (const [situation, events, kind] of HISTORIES) {
  test(`a region is ${kind === 'open' ? 'not overfull' : kind} when ${situation}`, () => {
    assert.equal(after(...events).kind, kind)
  })
}

test('a queue that may hold nothing is not full of it', () => {
  const event: OverfullEvent = { kind: 'reported', slots: 4, busy: 4, queued: 0, queueLimit: 0 }

  assert.equal(nextOverfull(OPEN_LATCH, event, RELEASE).kind, 'open')
})

test('it never opens without two calm reports behind the last refusal', () => {
  const event = fc.oneof(
    fc.constant(REFUSED),
    fc.tuple(fc.nat(25), fc.nat(10)).map(([busy, queued]) => reported(busy, queued)),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 50 }), (events) => {
      const isOpen = after(REFUSED, ...events).kind === 'open'
      const sinceRefusal = events.slice(events.findLastIndex(({ kind }) => kind === 'refused') + 1)
      const isCalm = (it: OverfullEvent): boolean =>
        it.kind === 'reported' && it.busy + it.queued <= 18 && it.queued < 8
      const hasTwoCalm = sinceRefusal.some((it, at) => {
        const next = sinceRefusal[at + 1]
        return isCalm(it) && next !== undefined && isCalm(next)
      })

      assert.ok(hasTwoCalm || !isOpen)
    }),
  )
})
