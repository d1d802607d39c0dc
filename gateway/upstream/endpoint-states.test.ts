import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type EndpointEvent,
  type EndpointState,
  endpointsToUse,
  isRegionAtFault,
  NEW_ENDPOINT,
  nextEndpoint,
} from './endpoint-states.ts'

const LIMITS = { probeRise: 3, probeRiseOverMs: 3_000 }
const GOOD: EndpointEvent = { kind: 'probe-passed', isTaking: true }
const BAD: EndpointEvent = { kind: 'probe-failed' }
const CUT: EndpointEvent = { kind: 'connection-failed' }
const REACHED: EndpointEvent = { kind: 'reached' }

function played(...steps: readonly [atMs: number, event: EndpointEvent][]): EndpointState {
  return steps.reduce(
    (state, [atMs, event]) => nextEndpoint(state, event, atMs, LIMITS),
    NEW_ENDPOINT,
  )
}

const ASIDE = played([0, BAD], [0, BAD])

const STORIES: readonly [situation: string, state: EndpointState, kind: EndpointState['kind']][] = [
  ['a new endpoint is in use', NEW_ENDPOINT, 'used'],
  ['one failure does not set it aside', played([0, CUT]), 'used'],
  ['two in a row do, by requests', played([0, CUT], [1, CUT]), 'aside'],
  ['two in a row do, by probes', ASIDE, 'aside'],
  ['two in a row do, by one of each', played([0, CUT], [1, BAD]), 'aside'],
  ['a good probe between them keeps it', played([0, CUT], [1, GOOD], [2, CUT]), 'used'],
  ['so does a request that arrived', played([0, CUT], [1, REACHED], [2, CUT]), 'used'],
  [
    'a request that arrives does not bring it back',
    played([0, CUT], [1, CUT], [9_000, REACHED]),
    'aside',
  ],
  [
    'two good probes do not bring it back',
    played([0, BAD], [0, BAD], [1_000, GOOD], [9_000, GOOD]),
    'aside',
  ],
  [
    'three good probes within less than 3 s do not',
    played([0, BAD], [0, BAD], [1_000, GOOD], [2_000, GOOD], [3_999, GOOD]),
    'aside',
  ],
  [
    'three good probes over 3 s do',
    played([0, BAD], [0, BAD], [1_000, GOOD], [2_000, GOOD], [4_000, GOOD]),
    'used',
  ],
  [
    'good probes count in a row only',
    played([0, BAD], [0, BAD], [1_000, GOOD], [2_000, GOOD], [3_000, BAD], [4_000, GOOD]),
    'aside',
  ],
]

for (const [situation, state, kind] of STORIES) {
  test(`of an endpoint: ${situation}`, () => {
    assert.equal(state.kind, kind)
  })
}

test('what does not change is the same object', () => {
  assert.equal(nextEndpoint(NEW_ENDPOINT, GOOD, 0, LIMITS), NEW_ENDPOINT)
  assert.equal(nextEndpoint(NEW_ENDPOINT, REACHED, 0, LIMITS), NEW_ENDPOINT)
  assert.equal(nextEndpoint(ASIDE, BAD, 0, LIMITS), ASIDE)
})

const ENDING: EndpointState = { kind: 'used', failures: 0, isTaking: false }
const ANSWERING: EndpointState = { kind: 'aside', passed: 1, firstPassedMs: 0 }

const CHOICES: readonly [situation: string, endpoints: EndpointState[], places: number[]][] = [
  ['without an endpoint there is none', [], []],
  ['all that take work are used', [NEW_ENDPOINT, NEW_ENDPOINT], [0, 1]],
  ['one that is set aside is left out', [ASIDE, NEW_ENDPOINT], [1]],
  ['one that takes nothing new is left out', [NEW_ENDPOINT, ENDING], [0]],
  ['where none takes work those in use say so themselves', [ENDING, ASIDE], [0]],
  ['the last one is used though it is set aside', [ASIDE], [0]],
  ['of those set aside one that answers is better', [ASIDE, ANSWERING], [1]],
  ['where all are silent all are tried', [ASIDE, ASIDE], [0, 1]],
]

for (const [situation, endpoints, places] of CHOICES) {
  test(`of the endpoints of a region: ${situation}`, () => {
    assert.deepEqual(endpointsToUse(endpoints), places)
  })
}

test('a failed connection is the region’s only where no other endpoint is in use', () => {
  assert.equal(isRegionAtFault([NEW_ENDPOINT], 0), true)
  assert.equal(isRegionAtFault([NEW_ENDPOINT, NEW_ENDPOINT], 0), false)
  assert.equal(isRegionAtFault([NEW_ENDPOINT, ASIDE], 0), true)
  assert.equal(isRegionAtFault([ASIDE, NEW_ENDPOINT], 0), false)
})

test('a good probe says anew whether an endpoint takes work', () => {
  const event: EndpointEvent = { kind: 'probe-passed', isTaking: false }

  assert.deepEqual(nextEndpoint(NEW_ENDPOINT, event, 0, LIMITS), ENDING)
})
