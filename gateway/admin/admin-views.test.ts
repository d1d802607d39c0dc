import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import type { Place } from '../place/locate.ts'
import type { Region } from '../regions/region.ts'
import { initialHealth } from '../upstream/health-states.ts'
import { candidateOf, initialView } from '../upstream/region-view.ts'
import { explainAddress, regionRow } from './admin-views.ts'

const REGION = { id: 'eu', name: 'Frankfurt', lat: 50.1, lon: 8.7, bias: 0, admin: 'active' }
const VIEW = initialView(REGION as unknown as Region, initialHealth(0))
const OPTIONS = { proximity: 'client', rttStaleMs: 3_000 } as const

test('a region that was never heard of is shown as such, not as an error', () => {
  const row = regionRow(VIEW, 1_500)

  assert.equal(row.state, 'suspect')
  assert.equal(row.stateForMs, 1_500)
  assert.equal(row.rttMs, null)
  assert.equal(row.reportAgeMs, null)
  assert.deepEqual(row.models, [])
  assert.deepEqual(row.queues, {})
})

test('ages are told, not times of a clock that nobody else has', () => {
  const report = { draining: true } as unknown as LoadReport

  const row = regionRow({ ...VIEW, report, reportAtMs: 1_000, rttMs: 1.2345 }, 1_600)

  assert.equal(row.reportAgeMs, 600)
  assert.equal(row.rttMs, 1.2)
  assert.equal(row.draining, true)
})

test('an unknown place is written as JSON can write it', () => {
  const place: Place = {
    source: 'gateway',
    location: { lat: 50.1, lon: 8.7 },
    accuracyRadiusKm: Number.POSITIVE_INFINITY,
    unknownReason: 'private',
  }

  const answer = explainAddress({
    ip: '10.0.0.1',
    place,
    candidates: [candidateOf(VIEW, 0)],
    options: OPTIONS,
  })

  assert.deepEqual(JSON.parse(JSON.stringify(answer)), {
    ip: '10.0.0.1',
    place: {
      source: 'gateway',
      countryIsoCode: null,
      continentCode: null,
      location: { lat: 50.1, lon: 8.7 },
      accuracyRadiusKm: null,
      unknownReason: 'private',
    },
    regions: [
      { id: 'eu', distanceKm: 0, state: 'suspect', score: 0, group: 0, excludedBy: 'lane' },
    ],
  })
})

test('text that is no address has no answer', () => {
  const place: Place = {
    source: 'gateway',
    location: { lat: 0, lon: 0 },
    accuracyRadiusKm: Number.POSITIVE_INFINITY,
    unknownReason: 'unparsable',
  }

  const answer = explainAddress({ ip: 'x', place, candidates: [], options: OPTIONS })

  assert.equal(answer, undefined)
})
