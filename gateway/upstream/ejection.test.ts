import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterAttempt,
  afterEjection,
  afterHealthyTime,
  type Ejections,
  ejectionMs,
  isEnoughToEject,
  isInfrastructure,
  NO_EJECTIONS,
  NO_EVIDENCE,
  type PassiveEvidence,
} from './ejection.ts'
import type { Evidence } from './evidence.ts'
import { HEALTH_DEFAULTS as LIMITS } from './health-states.ts'

const EVIDENCE: readonly [evidence: Evidence | undefined, counts: boolean][] = [
  ['connection', true],
  ['infrastructure', true],
  ['not-accepting', false],
  ['reached', false],
  [undefined, false],
]

for (const [evidence, counts] of EVIDENCE) {
  const counting = counts ? 'counts' : 'does not count'
  test(`${evidence ?? 'no evidence'} ${counting} against a region`, () => {
    assert.equal(isInfrastructure(evidence), counts)
  })
}

/** `x` is a failure, `c` one about a connection, `.` an answer, `/` the passing of a second. */
function after(attempts: string): { evidence: PassiveEvidence; nowMs: number } {
  let evidence = NO_EVIDENCE
  let nowMs = 50_000
  for (const letter of attempts) {
    if (letter === '/') nowMs += 1_000
    else evidence = afterAttempt(evidence, MEANING[letter] ?? 'reached', nowMs, LIMITS)
  }
  return { evidence, nowMs }
}

const MEANING: Readonly<Record<string, Evidence>> = { x: 'infrastructure', c: 'connection' }
const SECONDS = '/'.repeat(9)

const VERDICTS: readonly [situation: string, attempts: string, isEnough: boolean][] = [
  ['nothing at all is not enough', '', false],
  ['four failures in a row are not enough', 'xxxx', false],
  ['five in a row are, of whatever kind', 'xcxcx', true],
  ['five with an answer between are not', 'xxxx.x', false],
  ['five in a row are, however slowly they come', 'x/////x/////x/////x/////x', true],
  ['half of twenty are', '.x'.repeat(10), true],
  ['half of nineteen are not', `.${'x.'.repeat(9)}`, false],
  ['less than half of many are not', '.x.'.repeat(30), false],
  ['half of twenty within ten seconds are', `${'.x'.repeat(5)}${SECONDS}${'.x'.repeat(5)}`, true],
  ['what is older does not count', `${'.x'.repeat(5)}/${SECONDS}${'.x'.repeat(5)}`, false],
  ['old answers do not hide new failures', `${'.'.repeat(99)}/${SECONDS}${'.x'.repeat(10)}`, true],
]

for (const [situation, attempts, isEnough] of VERDICTS) {
  test(`to eject a region: ${situation}`, () => {
    const { evidence, nowMs } = after(attempts)

    assert.equal(isEnoughToEject(evidence, nowMs, LIMITS), isEnough)
  })
}

test('failures about connections are counted in a row of their own', () => {
  const counts = ['c', 'cc', 'cx', 'cxc', 'c.'].map(
    (attempts) => after(attempts).evidence.connectionFailures,
  )

  assert.deepEqual(counts, [1, 2, 0, 1, 0])
})

test('the window is kept in ten parts, however many attempts there are', () => {
  const { evidence } = after('..../'.repeat(50))

  assert.equal(evidence.buckets.length, 10)
})

function ejected(times: number): Ejections {
  let ejections = NO_EJECTIONS
  for (let time = 0; time < times; time++) ejections = afterEjection(ejections, LIMITS)
  return ejections
}

const TIMES: readonly [times: number, chance: number, ms: number][] = [
  [1, 0, 24_000],
  [1, 0.5, 30_000],
  [1, 1, 36_000],
  [2, 0.5, 60_000],
  [9, 0.5, 270_000],
  [9, 1, 300_000],
  [10, 0.5, 300_000],
  [50, 0.5, 300_000],
]

for (const [times, chance, ms] of TIMES) {
  test(`ejection ${times} with chance ${chance} lasts ${ms / 1_000} s`, () => {
    assert.equal(Math.round(ejectionMs(ejected(times), chance, LIMITS)), ms)
  })
}

const MINUTE_MS = 60_000
const FORGOTTEN: readonly [situation: string, healthyMs: number[], count: number][] = [
  ['less than five minutes in good health forget nothing', [5 * MINUTE_MS - 1], 3],
  ['five minutes forget one', [5 * MINUTE_MS], 2],
  ['in parts they do, too', [2 * MINUTE_MS, 2 * MINUTE_MS, MINUTE_MS], 2],
  ['what is over counts for the next', [9 * MINUTE_MS, MINUTE_MS], 1],
  ['an hour forgets all of them', [60 * MINUTE_MS], 0],
]

for (const [situation, healthyMs, count] of FORGOTTEN) {
  test(`of three ejections ${situation}`, () => {
    const ejections = healthyMs.reduce(
      (before, forMs) => afterHealthyTime(before, forMs, LIMITS),
      ejected(3),
    )

    assert.equal(ejections.count, count)
  })
}

test('an ejection ends the good health before it', () => {
  const almost = afterHealthyTime(ejected(1), 5 * MINUTE_MS - 1, LIMITS)

  const again = afterHealthyTime(afterEjection(almost, LIMITS), 1, LIMITS)

  assert.equal(again.count, 2)
})

test('fifty ejections are forgotten as soon as ten, which already last the longest', () => {
  const later = afterHealthyTime(ejected(50), 10 * 5 * MINUTE_MS, LIMITS)

  assert.equal(later.count, 0)
})
