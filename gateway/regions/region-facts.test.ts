import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  factsOf,
  NOW_MS,
  preparedOf,
  type RegionSketch,
} from '../../test/support/decision-world.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import { NO_SIGNALS, type PreparedRegion, prepareRegion } from './region-facts.ts'

const QWEN = 'qwen3:latest'

function tieScoreOf(prepared: PreparedRegion): number | undefined {
  return prepared.servingOf(QWEN)?.tie?.tieScore
}

test('a model is served by the queue that its report names', () => {
  const serving = preparedOf({ id: 'eu', queue: { slots: 8, busy: 3 } }).servingOf(QWEN)

  assert.deepEqual(
    [serving?.name, serving?.queue, serving?.slots, serving?.load.busy, serving?.serviceMeanMs],
    ['qwen3:latest', 'cpu', 8, 3, 2_000],
  )
})

test('a model that is not there, or whose queue is not, is not served', () => {
  const models = { [QWEN]: { queue: 'gpu', digest: 'abc', loaded: true } }

  assert.equal(preparedOf({ id: 'eu' }).servingOf('llama3:latest'), undefined)
  assert.equal(preparedOf({ id: 'eu', report: { models } }).servingOf(QWEN), undefined)
  assert.equal(preparedOf({ id: 'eu', facts: { report: undefined } }).servingOf(QWEN), undefined)
})

test('a model that has not finished an answer is taken to need 5 s', () => {
  const models = { [QWEN]: { queue: 'cpu', digest: 'abc', loaded: false } }

  assert.equal(preparedOf({ id: 'eu', report: { models } }).servingOf(QWEN)?.serviceMeanMs, 5_000)
})

const DIGESTS: readonly [configured: string | undefined, reported: string, isAs: boolean][] = [
  [undefined, 'abc', true],
  ['sha256:abc', 'abc', true],
  ['sha256:abc', 'sha256:abc', true],
  ['sha256:abc', 'abd', false],
  ['sha256:abc', '', false],
]

for (const [configured, reported, isAs] of DIGESTS) {
  test(`configured ${configured} and reported "${reported}" ${isAs ? 'agree' : 'differ'}`, () => {
    const models = new Map(configured === undefined ? [] : [['Qwen3', { digest: configured }]])
    const prepared = preparedOf({ id: 'eu', region: { models }, digest: reported })

    assert.equal(prepared.servingOf(QWEN)?.isAsConfigured, isAs)
  })
}

test('slots beyond what the region may claim are cut off and told', () => {
  const sketch: RegionSketch = { id: 'eu', region: { maxSlots: 16 }, queue: { slots: 20 } }
  const prepared = preparedOf(sketch)

  assert.deepEqual([prepared.servingOf(QWEN)?.slots, prepared.excessSlots], [16, 4])
  assert.equal(preparedOf({ id: 'eu' }).excessSlots, 0)
})

test('a degraded lane is degraded alone', () => {
  const publishP95Ms = { interactive: 900, durable: null }

  assert.deepEqual(preparedOf({ id: 'eu', report: { publishP95Ms } }).degraded, {
    interactive: 0.25,
    durable: 1,
  })
  assert.deepEqual(preparedOf({ id: 'eu', facts: { report: undefined } }).degraded, {
    interactive: 1,
    durable: 1,
  })
})

test('a tie score is the round trip and the wait that the report tells of', () => {
  // 25 in its care and 20 slots: 6 before it find no slot, 6 × 2,000 / 20 = 600 ms.
  assert.equal(tieScoreOf(preparedOf({ id: 'eu', queue: { busy: 20, queued: 5 } })), 610)
})

test('a published tie score lives on from report to report, and is held for a minute', () => {
  const first = preparedOf({ id: 'eu', rttMs: 10 })
  assert.equal(tieScoreOf(first), 10)

  const slower = factsOf({ id: 'eu', rttMs: 80 })
  const second = prepareRegion(slower, first, NOW_MS + 1_000, DECISION_DEFAULTS)
  const third = prepareRegion(slower, second, NOW_MS + 59_000, DECISION_DEFAULTS)
  const fourth = prepareRegion(slower, third, NOW_MS + 60_000, DECISION_DEFAULTS)

  assert.deepEqual([second, third, fourth].map(tieScoreOf), [10, 10, 80])
})

test('a region that is not reached or has no slots publishes no score but keeps it', () => {
  const unreached = preparedOf({ id: 'eu', rttMs: undefined })
  assert.equal(tieScoreOf(unreached), undefined)

  const reached = prepareRegion(factsOf({ id: 'eu' }), unreached, NOW_MS + 1, DECISION_DEFAULTS)
  const empty = factsOf({ id: 'eu', queue: { slots: 0 } })
  assert.equal(tieScoreOf(reached), 10)
  assert.equal(tieScoreOf(prepareRegion(empty, reached, NOW_MS + 2, DECISION_DEFAULTS)), 10)
})

test('a serving is worked out once, and names that nobody serves are not kept', () => {
  let asked = 0
  const signalsOf = () => {
    asked += 1
    return NO_SIGNALS
  }
  const prepared = preparedOf({ id: 'eu', facts: { signalsOf } })

  assert.equal(prepared.servingOf(QWEN), prepared.servingOf(QWEN))
  for (let at = 0; at < 1_000; at++) prepared.servingOf(`guess-${at}`)
  prepareRegion(prepared.facts, prepared, NOW_MS, DECISION_DEFAULTS)
  assert.equal(asked, 2)
})
