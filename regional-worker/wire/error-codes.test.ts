import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeRegionFailure,
  encodeRegionFailure,
  FAILURE_MESSAGE_MAX,
  REGION_ERRORS,
  type RegionErrorCode,
  regionFailure,
} from './error-codes.ts'

test('every code is read as it was written', () => {
  for (const code of Object.keys(REGION_ERRORS) as RegionErrorCode[]) {
    const failure = regionFailure(code)
    assert.deepEqual(decodeRegionFailure(encodeRegionFailure(failure)), failure)
  }
})

test('a code of a newer build reads as internal and keeps what it says of the work', () => {
  const text = '{"code":"out-of-coffee","workStarted":"no","fault":"request"}'

  assert.deepEqual(decodeRegionFailure(text), {
    code: 'internal',
    workStarted: 'no',
    fault: 'request',
  })
})

test('what is missing or unknown takes the value of the table', () => {
  assert.deepEqual(decodeRegionFailure('{"code":"overflow","workStarted":"perhaps"}'), {
    code: 'overflow',
    workStarted: 'no',
    fault: 'region',
  })
})

test('text that is no object is an internal failure of which nothing is known', () => {
  for (const text of ['', 'null', '7', '[]', '<html>', '{"code":"toString"}']) {
    assert.deepEqual(decodeRegionFailure(text), {
      code: 'internal',
      workStarted: 'unknown',
      fault: 'region',
    })
  }
})

test('a status travels only as an HTTP error, a message only up to its limit', () => {
  const long = 'x'.repeat(FAILURE_MESSAGE_MAX + 1)
  const sent = encodeRegionFailure(regionFailure('request-refused', { status: 400, message: long }))

  const read = decodeRegionFailure(sent)

  assert.equal(read.status, 400)
  assert.equal(read.message?.length, FAILURE_MESSAGE_MAX)
  assert.equal(decodeRegionFailure('{"code":"request-refused","status":200}').status, undefined)
})

test('work that was refused before a worker had it never counts as started', () => {
  for (const code of [
    'overflow',
    'not-accepting',
    'draining',
    'model-missing',
    'version',
  ] as const) {
    assert.equal(REGION_ERRORS[code].workStarted, 'no', code)
    assert.equal(REGION_ERRORS[code].fault, 'region', code)
  }
})
