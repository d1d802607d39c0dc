import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import type { Place } from '../place/locate.ts'
import type { Candidate } from './candidates.ts'
import { bestRegion, type RankingInput, rankRegions } from './ranking.ts'
import type { Region } from './region.ts'

const FRANKFURT: Place = {
  source: 'location',
  location: { lat: 50.1, lon: 8.7 },
  accuracyRadiusKm: 20,
}

test('regions are ordered by their distance to the client', () => {
  const ranked = rankRegions(inputWith([candidate('us', 40.7, -74), candidate('eu', 50.1, 8.7)]))

  assert.deepEqual(
    ranked.map(({ regionId }) => regionId),
    ['eu', 'us'],
  )
})

test('a region that is kept out stays in the table with the rule that says so', () => {
  const down = candidate('eu', 50.1, 8.7, { isInRotation: false, state: 'down' })

  const ranked = rankRegions(inputWith([candidate('us', 40.7, -74), down]))

  assert.deepEqual(
    ranked.map(({ regionId, state, excludedBy }) => [regionId, state, excludedBy]),
    [
      ['eu', 'down', 'state'],
      ['us', 'healthy', undefined],
    ],
  )
})

test('the best region is the nearest that may serve and has not been tried', () => {
  const candidates = [candidate('us', 40.7, -74), candidate('eu', 50.1, 8.7)]

  assert.equal(bestRegion(inputWith(candidates)), 'eu')
  assert.equal(bestRegion({ ...inputWith(candidates), tried: ['eu'] }), 'us')
  assert.equal(bestRegion({ ...inputWith(candidates), tried: ['eu', 'us'] }), undefined)
  assert.equal(bestRegion(inputWith([])), undefined)
})

test('a region without the model is passed over, however near', () => {
  const candidates = [candidate('us', 40.7, -74), candidate('eu', 50.1, 8.7, { models: new Map() })]

  assert.equal(bestRegion({ ...inputWith(candidates), model: 'QWEN3' }), 'us')
})

function inputWith(candidates: readonly Candidate[]): RankingInput {
  return {
    place: FRANKFURT,
    model: undefined,
    tried: [],
    candidates,
    options: { proximity: 'client', rttStaleMs: 3_000 },
  }
}

function candidate(
  id: string,
  lat: number,
  lon: number,
  overrides: Partial<Candidate> = {},
): Candidate {
  return {
    region: { id, lat, lon, bias: 0, admin: 'active' } as unknown as Region,
    state: 'healthy',
    report: { draining: false, accepts: { interactive: true } } as unknown as LoadReport,
    isInRotation: true,
    speaksOurWire: true,
    models: new Map([['qwen3:latest', 'qwen3:latest']]),
    rttMs: 5,
    rttAgeMs: 100,
    ...overrides,
  }
}
