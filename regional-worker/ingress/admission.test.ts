import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Priority } from '#wire/region-api.ts'
import { type AdmissionFacts, decideAdmission, type QueueFacts, queueLimitOf } from './admission.ts'

const QUEUE: QueueFacts = {
  name: 'cpu',
  slots: 4,
  busyElsewhere: 0,
  queued: 0,
  running: 0,
  messagesMax: 1_000,
}
const OPEN: AdmissionFacts = { draining: false, accepting: true, queue: QUEUE }

for (const [slots, messagesMax, limit] of [
  [0, 1_000, 8],
  [16, 1_000, 8],
  [17, 1_000, 9],
  [100, 1_000, 50],
  [100, 20, 20],
] as const) {
  test(`${slots} slots and a stream of ${messagesMax} let ${limit} wait`, () => {
    assert.equal(queueLimitOf(slots, messagesMax), limit)
  })
}

test('work enters the queue of its model', () => {
  assert.deepEqual(decideAdmission('standard', OPEN), { kind: 'admitted', queue: 'cpu' })
})

test('what holds for the region is said before what holds for a queue', () => {
  const refusals = [
    { draining: true, accepting: false, queue: undefined },
    { draining: false, accepting: false, queue: undefined },
    { draining: false, accepting: true, queue: undefined },
    { draining: false, accepting: true, queue: { ...QUEUE, queued: 1_000 } },
  ].map((facts) => decideAdmission('critical', facts))

  assert.deepEqual(
    refusals.map((refusal) => refusal.kind === 'refused' && refusal.code),
    ['draining', 'not-accepting', 'model-missing', 'overflow'],
  )
})

// Four slots: at most 8 may wait, of which standard work may fill 7 and batch work none.
const ROOM: readonly {
  situation: string
  queue: Partial<QueueFacts>
  enters: readonly Priority[]
}[] = [
  { situation: 'all slots are free', queue: {}, enters: ['critical', 'standard', 'batch'] },
  {
    situation: 'two slots are taken',
    queue: { busyElsewhere: 2 },
    enters: ['critical', 'standard'],
  },
  {
    situation: 'one is taken and one is on its way',
    queue: { busyElsewhere: 1, queued: 1 },
    enters: ['critical', 'standard'],
  },
  {
    situation: 'all are taken and 6 wait',
    queue: { busyElsewhere: 4, queued: 6 },
    enters: ['critical', 'standard'],
  },
  {
    situation: 'all are taken and 7 wait',
    queue: { busyElsewhere: 4, queued: 7 },
    enters: ['critical'],
  },
  { situation: 'all are taken and 8 wait', queue: { busyElsewhere: 4, queued: 8 }, enters: [] },
  { situation: '11 are on their way to 4 free slots', queue: { queued: 11 }, enters: ['critical'] },
  {
    situation: 'heartbeats lag behind our own count',
    queue: { running: 4, queued: 8 },
    enters: [],
  },
  {
    situation: 'the stream holds one message and a slot is free',
    queue: { messagesMax: 1 },
    enters: ['critical', 'standard', 'batch'],
  },
  {
    situation: 'the only slot is free',
    queue: { slots: 1 },
    enters: ['critical', 'standard', 'batch'],
  },
  { situation: 'there is no slot at all', queue: { slots: 0 }, enters: ['critical', 'standard'] },
]

for (const { situation, queue, enters } of ROOM) {
  test(`when ${situation}, ${enters.join(', ') || 'nobody'} may enter`, () => {
    const facts = { ...OPEN, queue: { ...QUEUE, ...queue } }

    const entering = (['critical', 'standard', 'batch'] as const).filter(
      (priority) => decideAdmission(priority, facts).kind === 'admitted',
    )

    assert.deepEqual(entering, enters)
  })
}
