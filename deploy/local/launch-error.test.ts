import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure, LaunchError } from './launch-error.ts'

test('a failure with a remedy is told in two lines and ends with its exit code', () => {
  const error = new LaunchError('nats-server is missing', { remedy: 'brew install nats-server' })

  assert.deepEqual(describeFailure(error), {
    text: 'nats-server is missing\n  try: brew install nats-server\n',
    exitCode: 69,
  })
})

test('a failure without a remedy promises none', () => {
  const error = new LaunchError('no such option', { exitCode: 64 })

  assert.deepEqual(describeFailure(error), { text: 'no such option\n', exitCode: 64 })
})

test('a mistake of ours keeps its stack and ends with 70', () => {
  const { text, exitCode } = describeFailure(new TypeError('of undefined'))

  assert.match(text, /^TypeError: of undefined\n {4}at /)
  assert.equal(exitCode, 70)
  assert.deepEqual(describeFailure('thrown text'), { text: 'thrown text\n', exitCode: 70 })
})
