import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INITIAL_LANE, type LaneEvent, laneProblemOf, nextLaneState } from './lane-state.ts'

const ROWS: readonly [events: readonly LaneEvent[], problem: string | undefined][] = [
  [[], 'nats-away'],
  [['connected'], 'streams-unknown'],
  [['connected', 'ensured'], undefined],
  [['connected', 'ensured', 'unanswered'], undefined],
  [['connected', 'ensured', 'unanswered', 'unanswered'], 'publishes-unanswered'],
  [['connected', 'ensured', 'unanswered', 'answered', 'unanswered'], undefined],
  [['connected', 'ensured', 'unanswered', 'unanswered', 'answered'], undefined],
  [['connected', 'ensured', 'unanswered', 'unanswered', 'ensured'], undefined],
  [['connected', 'ensured', 'gone'], 'streams-unknown'],
  [['connected', 'ensured', 'gone', 'ensured'], undefined],
  [['connected', 'ensured', 'differs'], 'streams-differ'],
  [['connected', 'ensured', 'differs', 'answered'], 'streams-differ'],
  [['connected', 'ensured', 'lost'], 'nats-away'],
  [['connected', 'ensured', 'lost', 'connected'], 'streams-unknown'],
  [['connected', 'ensured', 'lost', 'connected', 'ensured'], undefined],
]

for (const [events, problem] of ROWS) {
  test(`after ${events.join(', ') || 'nothing'} the lane ${problem ?? 'takes work'}`, () => {
    assert.equal(laneProblemOf(events.reduce(nextLaneState, INITIAL_LANE)), problem)
  })
}
