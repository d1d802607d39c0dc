import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFitNatsVersion, payloadProblemOf } from './nats-fitness.ts'

for (const version of ['2.11.15', '2.11.16', '2.12.6', '2.14.0', '2.15.1', 'v2.15.2', '3.0.0']) {
  test(`nats-server ${version} is fit`, () => assert.ok(isFitNatsVersion(version)))
}

for (const version of ['2.9.25', '2.10.29', '2.11.14', '2.12.0', '2.12.5', '1.4.1', '', 'main']) {
  test(`nats-server ${version || 'of no version'} is not`, () => {
    assert.ok(!isFitNatsVersion(version))
  })
}

test('a server must take the largest frame', () => {
  assert.equal(payloadProblemOf(1_048_576), undefined)
  assert.match(payloadProblemOf(65_536) ?? '', /max_payload 65536: want 1000000 or more/)
})
