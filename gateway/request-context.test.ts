import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openContext } from './request-context.ts'

const FACTS = {
  requestId: 'req_local_0123456789abcdef01234567',
  startedMs: 12.5,
  method: 'POST',
  route: '/api/chat',
  httpVersion: '1.1',
}

test('a request begins with what its head says, no attempt and no byte', () => {
  assert.deepEqual(openContext(FACTS), { ...FACTS, attempts: [], bytesIn: 0, bytesOut: 0 })
})

test('two requests share nothing', () => {
  const [one, other] = [openContext(FACTS), openContext(FACTS)]

  one.attempts.push({ regionId: 'eu-central', startedMs: 13 })

  assert.deepEqual(other.attempts, [])
})
