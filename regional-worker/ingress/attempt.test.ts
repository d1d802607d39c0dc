import assert from 'node:assert/strict'
import { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { regionFailure } from '#wire/error-codes.ts'
import { workHead } from '../../test/support/region-caller.ts'
import { Attempt } from './attempt.ts'
import { Relay } from './relay.ts'

function attemptOf(): Attempt {
  const request = { method: 'POST', httpVersionMajor: 1, httpVersionMinor: 1 }
  const relay = new Relay(new ServerResponse(request as never), 1_000)
  const head = workHead({ requestId: `req_gw_${'0'.repeat(24)}`, attempt: 2, queueDeadlineMs: 500 })
  return new Attempt('token', head, 'cpu', relay, 1_000)
}

test('an attempt is known by its request and number, and has until its queue deadline', () => {
  const attempt = attemptOf()

  assert.equal(attempt.workId, `req_gw_${'0'.repeat(24)}:2`)
  assert.equal(attempt.queueDeadlineAtMs, 1_500)
  assert.equal(attempt.waitedMs, undefined)
})

test('an attempt that starts and ends well lets both waits go, and its body', async () => {
  const attempt = attemptOf()
  attempt.body = Buffer.from('{}')

  attempt.started('w1', 1_250)
  await attempt.untilStarted()
  attempt.done()
  await attempt.untilEnded()

  assert.deepEqual([attempt.worker, attempt.waitedMs, attempt.body], ['w1', 250, undefined])
})

test('a failure before the start ends both waits', async () => {
  const attempt = attemptOf()
  const failure = regionFailure('overflow')

  attempt.failed(failure)

  await assert.rejects(attempt.untilStarted(), { name: 'WorkFailed', failure })
  await assert.rejects(attempt.untilEnded(), { name: 'WorkFailed', failure })
})

test('a failure after the start ends the second wait only, and the first word holds', async () => {
  const attempt = attemptOf()
  const frame = Buffer.from('frame')

  attempt.started('w1', 1_000)
  attempt.failed(regionFailure('worker-lost'), frame)
  attempt.failed(regionFailure('cancelled'))

  await attempt.untilStarted()
  await assert.rejects(attempt.untilEnded(), { message: 'worker-lost', frame })
})

test('a failure that nobody waits for yet is no unhandled rejection', async () => {
  const attempt = attemptOf()

  attempt.failed(regionFailure('cancelled'))
  await new Promise((resolve) => setImmediate(resolve))

  await assert.rejects(attempt.untilStarted(), { message: 'cancelled' })
})
