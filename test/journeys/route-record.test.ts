// Goal: an operator learns why a request went where it went, attempt by attempt, and nothing of
// what was asked or answered.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, FROM, startWorld } from '../support/start-world.ts'

interface Record {
  readonly client: { readonly network: string; readonly source: string }
  readonly mode: string
  readonly regions: readonly { readonly id: string; readonly share: number }[]
  readonly attempts: readonly {
    readonly region: string
    readonly outcome: string
    readonly paidBy: string
    readonly workStarted: string | null
  }[]
  readonly receipt: readonly string[]
}

test('the record of a request names its place, every candidate and every attempt', async () => {
  await using world = await startWorld({ regions: ['eu-central', 'us-east'] })
  await world.region('eu-central').stopIngress()
  const answer = await world.ask('/v1/chat/completions', {
    from: FROM.europe,
    body: chat('A very secret question'),
  })

  const record = await world.admin(`/admin/routes/${answer.headers['x-request-id']}`)

  const { client, mode, regions, attempts } = record as Record
  assert.equal(answer.status, 200)
  assert.equal(client.network, '2.2.2.0/24')
  assert.equal(client.source, 'location')
  assert.equal(mode, 'waterfall')
  assert.deepEqual(
    regions.map(({ id }) => id),
    ['eu-central', 'us-east'],
  )
  assert.deepEqual(
    attempts.map(({ region, outcome, paidBy, workStarted }) => [
      region,
      outcome,
      paidBy,
      workStarted,
    ]),
    [
      ['eu-central', 'no_region_available', 'first', 'no'],
      ['us-east', 'answered', 'budget', null],
    ],
  )
  assert.doesNotMatch(JSON.stringify(record), /secret|2\.2\.2\.2/)
})
