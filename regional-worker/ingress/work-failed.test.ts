import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asWorkFailed, workFailed } from './work-failed.ts'

test('a code becomes a failure with what the table says about it', () => {
  const { failure } = workFailed('bad-call', 'header meridian-kind')

  assert.deepEqual(failure, {
    code: 'bad-call',
    workStarted: 'no',
    fault: 'request',
    message: 'header meridian-kind',
  })
})

test('what nobody expected is our mistake, and what was said stays as it was', () => {
  const said = workFailed('overflow')

  assert.equal(asWorkFailed(said), said)
  assert.equal(asWorkFailed(new TypeError('x is undefined')).failure.code, 'internal')
  assert.equal(asWorkFailed(undefined).failure.code, 'internal')
})
