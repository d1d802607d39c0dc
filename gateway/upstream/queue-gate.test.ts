import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DECISION_DEFAULTS } from '../regions/decision-options.ts'
import { QueueGate } from './queue-gate.ts'

const IDLE = { slots: 20, busy: 0, queued: 0, queueLimit: 10 }

function gateWithReport(): QueueGate {
  const gate = new QueueGate(DECISION_DEFAULTS)
  gate.onReport(IDLE, 0)
  return gate
}

test('a gate that nothing has passed holds nobody up', () => {
  const gate = new QueueGate(DECISION_DEFAULTS)

  assert.deepEqual(
    [gate.inFlight, gate.inFlightLimit, gate.isOverfull, gate.skipProbability(0)],
    [0, Number.POSITIVE_INFINITY, false, 0],
  )
})

test('what was sent and what has ended count until the next report', () => {
  const gate = gateWithReport()
  gate.onSent(1)
  gate.onSent(2)
  gate.onEnded()
  assert.deepEqual([gate.sentSinceReport, gate.doneSinceReport, gate.inFlight], [2, 1, 1])

  gate.onReport(IDLE, 1_000)
  assert.deepEqual([gate.sentSinceReport, gate.doneSinceReport, gate.inFlight], [0, 0, 1])
})

test('an overflow latches, throttles and lowers the limit', () => {
  const gate = gateWithReport()
  gate.onSent(1_000)
  gate.onOverflow(50, 1_050)
  gate.onEnded()

  assert.deepEqual(
    [gate.isOverfull, gate.inFlightLimit, gate.skipProbability(1_050)],
    [true, 27, 0.5],
  )
})

test('two calm reports open the latch, and the limit stays where it was', () => {
  const gate = gateWithReport()
  gate.onSent(1_000)
  gate.onOverflow(50, 1_050)
  gate.onEnded()
  gate.onReport(IDLE, 2_000)
  gate.onReport(IDLE, 3_000)

  assert.deepEqual([gate.isOverfull, gate.inFlightLimit], [false, 27])
})

test('an accept limit lowers the limit and says nothing of the queue', () => {
  const gate = gateWithReport()
  gate.onSent(1_000)
  gate.onAcceptLimit(50, 1_500)
  gate.onEnded()

  assert.deepEqual(
    [gate.isOverfull, gate.inFlightLimit, gate.skipProbability(1_500)],
    [false, 27, 0],
  )
})

test('good starts raise the limit', () => {
  const gate = gateWithReport()
  gate.onOverflow(100, 0)
  for (let at = 0; at < 27; at++) {
    gate.onSent(at)
    gate.onStarted(at)
    gate.onEnded()
  }

  assert.equal(gate.inFlightLimit, 28)
})

test('counters are never negative, and all are 0 after quiet', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('send', 'end', 'report'), { maxLength: 100 }),
      (events) => {
        const gate = gateWithReport()
        for (const event of events) {
          if (event === 'send') gate.onSent(0)
          else if (event === 'report') gate.onReport(IDLE, 0)
          else if (gate.inFlight > 0) gate.onEnded()
          assert.ok(Math.min(gate.inFlight, gate.sentSinceReport, gate.doneSinceReport) >= 0)
        }
        while (gate.inFlight > 0) gate.onEnded()
        gate.onReport(IDLE, 0)

        assert.deepEqual([gate.inFlight, gate.sentSinceReport, gate.doneSinceReport], [0, 0, 0])
      },
    ),
  )
})
