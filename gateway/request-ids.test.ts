import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REQUEST_ID } from '#wire/region-api.ts'
import { requestIds } from './request-ids.ts'

test('an id names its gateway, fits the wire and does not come again', () => {
  const next = requestIds('g1')

  const ids = Array.from({ length: 1_000 }, next)

  for (const id of ids) assert.match(id, REQUEST_ID)
  assert.ok(ids.every((id) => id.startsWith('req_g1_')))
  assert.equal(new Set(ids).size, ids.length)
})
