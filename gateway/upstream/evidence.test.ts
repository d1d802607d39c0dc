import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REGION_ERRORS, type RegionErrorCode } from '#wire/error-codes.ts'
import { type Evidence, evidenceOfAnswer, evidenceOfFailure, evidenceOfLimit } from './evidence.ts'
import type { AttemptPhase } from './failures.ts'

const LIMITS: readonly [phase: AttemptPhase, evidence: Evidence][] = [
  ['connect', 'connection'],
  ['send', 'connection'],
  ['accept', 'connection'],
  ['queue', 'infrastructure'],
  ['start', 'infrastructure'],
  ['content', 'infrastructure'],
]

for (const [phase, evidence] of LIMITS) {
  test(`a limit that passes in the phase ${phase} speaks of ${evidence}`, () => {
    assert.equal(evidenceOfLimit(phase), evidence)
  })
}

test('whatever a region reports shows that it is reached, one code that its lane is shut', () => {
  const codes = Object.keys(REGION_ERRORS) as RegionErrorCode[]

  const others = codes.filter((code) => evidenceOfFailure(code) !== 'reached')

  assert.deepEqual(others, ['not-accepting'])
  assert.equal(evidenceOfFailure('not-accepting'), 'not-accepting')
})

const ANSWERS: readonly [situation: string, status: number, body: string, evidence: Evidence][] = [
  ['a 503 with a code', 503, '{"code":"overflow"}', 'reached'],
  ['a 503 of a lane', 503, '{"code":"not-accepting"}', 'not-accepting'],
  ['a 502 with a code', 502, '{"code":"worker-lost"}', 'reached'],
  ['a 503 with a code that is not known yet', 503, '{"code":"newer"}', 'reached'],
  ['a 502 of a proxy', 502, '<html>Bad Gateway</html>', 'infrastructure'],
  ['an empty 503', 503, '', 'infrastructure'],
  ['a 504 in JSON without a code', 504, '{"message":"timeout"}', 'infrastructure'],
  ['a 503 that is null', 503, 'null', 'infrastructure'],
  ['a 503 with a code that is no text', 503, '{"code":7}', 'infrastructure'],
  ['a 500 without a code', 500, '', 'infrastructure'],
  ['a refused peer', 403, '', 'reached'],
]

for (const [situation, status, body, evidence] of ANSWERS) {
  test(`${situation} speaks of ${evidence}`, () => {
    assert.equal(evidenceOfAnswer(status, body), evidence)
  })
}
