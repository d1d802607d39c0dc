import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestOf, rowOfRegions } from '../../test/support/decision-world.ts'
import { decide } from './decide.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import { decodeRows, encodeRows } from './row-columns.ts'

test('rows are shown as they were, rounded to four digits behind the point', () => {
  const regions = rowOfRegions(
    { id: 'near', queue: { busy: 17, queued: 2 }, rttMs: 12.345_678 },
    { id: 'far', facts: { state: 'down' } },
  )
  const rows = decide(requestOf(), regions, DECISION_DEFAULTS).rows()

  const shown = decodeRows(encodeRows(rows))

  assert.deepEqual(Object.keys(shown[0] ?? {}).sort(), Object.keys(rows[0] ?? {}).sort())
  for (const [at, row] of shown.entries()) {
    for (const [name, value] of Object.entries(row)) {
      const original = Object.entries(rows[at] ?? {}).find(([key]) => key === name)?.[1]
      if (typeof original === 'number') assert.ok(Math.abs(original - Number(value)) < 1e-4, name)
      else assert.equal(value, original ?? null)
    }
  }
  assert.equal(shown[0]?.rttMs, 12.3457)
})

test('what is not known and what has no limit is null', () => {
  const unreached = { report: undefined, reportAtMs: Number.NEGATIVE_INFINITY, rttMs: undefined }
  const regions = rowOfRegions({ id: 'eu', facts: unreached })
  const [row] = decodeRows(encodeRows(decide(requestOf(), regions, DECISION_DEFAULTS).rows()))

  assert.deepEqual(
    [row?.group, row?.tieScore, row?.est, row?.u, row?.avail, row?.reportAgeMs, row?.share],
    [null, null, null, null, null, null, 0],
  )
  assert.deepEqual(JSON.parse(JSON.stringify(row)), row)
})

test('no rows are none', () => {
  assert.deepEqual(decodeRows(encodeRows([])), [])
})
