import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type InFlightEvent,
  type InFlightLimit,
  NO_LIMIT,
  nextInFlightLimit,
} from './in-flight-limit.ts'

const OPTIONS = { limitLeast: 2, limitDecrease: 0.9 }

function follow(state: InFlightLimit, event: InFlightEvent, nowMs = 0): InFlightLimit {
  return nextInFlightLimit(state, event, nowMs, OPTIONS)
}

function reported(slots: number, queueLimit = 10): InFlightEvent {
  return { kind: 'reported', slots, queueLimit }
}

function overloaded(roundTripMs = 100): InFlightEvent {
  return { kind: 'overloaded', roundTripMs }
}

const WHOLE = follow(NO_LIMIT, reported(20))
/** As after some overload. */
const TWENTY = { ...WHOLE, limit: 20 }

test('there is no limit before the first report, and it begins at slots and queue', () => {
  assert.equal(NO_LIMIT.limit, Number.POSITIVE_INFINITY)
  assert.equal(follow(NO_LIMIT, { kind: 'started-well' }).limit, Number.POSITIVE_INFINITY)
  assert.equal(WHOLE.limit, 30)
})

test('as many good starts as the limit raise it by one', () => {
  let state = TWENTY
  for (let start = 0; start < 19; start++) state = follow(state, { kind: 'started-well' })
  assert.equal(state.limit, 20)

  state = follow(state, { kind: 'started-well' })
  assert.equal(state.limit, 21)
  assert.equal(state.goodStarts, 0)
})

test('it rises to slots and queue together and no further', () => {
  let state = TWENTY
  for (let start = 0; start < 10_000; start++) state = follow(state, { kind: 'started-well' })

  assert.equal(state.limit, 30)
})

test('a sign of overload lowers it by a tenth, and good starts begin anew', () => {
  const state = follow(follow(TWENTY, { kind: 'started-well' }), overloaded(), 5_000)

  assert.deepEqual([state.limit, state.goodStarts], [18, 0])
})

test('refusals within one round trip are one piece of news', () => {
  const once = follow(TWENTY, overloaded(), 5_000)

  assert.equal(follow(once, overloaded(), 5_099), once)
  assert.ok(Math.abs(follow(once, overloaded(), 5_100).limit - 16.2) < 1e-9)
})

test('it never falls below the least', () => {
  let state = TWENTY
  for (let at = 1; at < 100; at++) state = follow(state, overloaded(), at * 1_000)

  assert.equal(state.limit, 2)
})

test('a limit that overload did not lower follows slots and queue up', () => {
  assert.equal(follow(WHOLE, reported(40)).limit, 50)
})

test('a limit that overload lowered earns its way up whatever a report says', () => {
  const lowered = follow(WHOLE, overloaded(), 5_000)

  assert.equal(follow(lowered, reported(40)).limit, 27)
})

test('it falls with slots and queue, and the least is all that is left without any', () => {
  assert.equal(follow(WHOLE, reported(4, 8)).limit, 12)
  assert.equal(follow(WHOLE, reported(0, 0)).limit, 2)
})

test('a report that says the same changes nothing', () => {
  assert.equal(follow(TWENTY, reported(20)), TWENTY)
})

test('whatever happens, the limit stays between the least and what the region could hold', () => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('reported' as const),
      slots: fc.nat(256),
      queueLimit: fc.nat(128),
    }),
    fc.constant({ kind: 'started-well' as const }),
    fc.record({ kind: fc.constant('overloaded' as const), roundTripMs: fc.nat(400) }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(500)), { maxLength: 200 }), (history) => {
      let state = follow(NO_LIMIT, reported(20))
      let nowMs = 0
      for (const [next, pauseMs] of history) {
        nowMs += pauseMs
        state = nextInFlightLimit(state, next, nowMs, OPTIONS)
        assert.ok(state.limit >= 2)
        assert.ok(state.limit <= Math.max(2, state.slots + state.queueLimit))
      }
    }),
  )
})
