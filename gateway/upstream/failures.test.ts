import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REGION_ERRORS, type RegionErrorCode, regionFailure } from '#wire/error-codes.ts'
import type { ErrorCode } from '../errors.ts'
import {
  type AttemptFailure,
  type AttemptPhase,
  failureOfPhase,
  failureOfRegion,
} from './failures.ts'

const MEANINGS: readonly [
  code: RegionErrorCode,
  means: ErrorCode,
  fault: AttemptFailure['fault'],
  workStarted: AttemptFailure['workStarted'],
][] = [
  ['overflow', 'overloaded', 'region', 'no'],
  ['not-accepting', 'no_region_available', 'region', 'no'],
  ['draining', 'no_region_available', 'region', 'no'],
  ['model-missing', 'model_not_found', 'region', 'no'],
  ['version', 'no_region_available', 'region', 'no'],
  ['bad-call', 'internal_error', 'request', 'no'],
  ['forbidden-peer', 'no_region_available', 'region', 'no'],
  ['too-large', 'request_too_large', 'request', 'no'],
  ['deadline', 'deadline_exceeded', 'region', 'no'],
  ['cancelled', 'upstream_error', 'request', 'unknown'],
  ['slow-reader', 'client_closed', 'request', 'yes'],
  ['no-answer', 'upstream_error', 'region', 'unknown'],
  ['worker-lost', 'upstream_error', 'region', 'yes'],
  ['ollama-unreachable', 'upstream_error', 'region', 'yes'],
  ['ollama-busy', 'overloaded', 'region', 'no'],
  ['ollama-silent', 'upstream_error', 'region', 'yes'],
  ['ollama-failed', 'upstream_error', 'region', 'yes'],
  ['out-of-memory', 'upstream_error', 'region', 'yes'],
  ['request-refused', 'model_refused', 'request', 'yes'],
  ['internal', 'upstream_error', 'region', 'unknown'],
]

for (const [code, means, fault, workStarted] of MEANINGS) {
  test(`${code} of a region is ${means}, its fault ${fault}, started: ${workStarted}`, () => {
    const failure = failureOfRegion(regionFailure(code))

    assert.deepEqual(failure, { kind: 'failed', code: means, fault, workStarted, cause: code })
  })
}

test('every code of the wire has a meaning here', () => {
  assert.deepEqual(MEANINGS.map(([code]) => code).sort(), Object.keys(REGION_ERRORS).sort())
})

test('what a region says better than the table is kept', () => {
  const failure = failureOfRegion(regionFailure('worker-lost', { workStarted: 'no' }))

  assert.equal(failure.workStarted, 'no')
})

test('a deadline that passes while a worker runs the request is the end of it everywhere', () => {
  const failure = failureOfRegion(regionFailure('deadline', { workStarted: 'yes' }))

  assert.equal(failure.fault, 'request')
})

test('the text of a failure is for the client only where the model server judged the request', () => {
  const text = { status: 400, message: 'connect ECONNREFUSED 10.0.0.7:11434' }

  assert.equal(failureOfRegion(regionFailure('request-refused', text)).message, text.message)
  assert.equal(failureOfRegion(regionFailure('ollama-unreachable', text)).message, undefined)
})

const PHASES: readonly [AttemptPhase, ErrorCode, AttemptFailure['workStarted']][] = [
  ['connect', 'no_region_available', 'no'],
  ['send', 'no_region_available', 'no'],
  ['accept', 'upstream_error', 'unknown'],
  ['queue', 'upstream_error', 'unknown'],
  ['start', 'upstream_error', 'yes'],
  ['content', 'upstream_error', 'yes'],
]

for (const [phase, code, workStarted] of PHASES) {
  test(`a connection lost in the phase ${phase} is ${code}, started: ${workStarted}`, () => {
    const failure = failureOfPhase(phase, 'reset')

    assert.deepEqual(failure, {
      kind: 'failed',
      code,
      fault: 'region',
      workStarted,
      cause: 'reset',
    })
  })
}
