import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import type { Region } from '../regions/region.ts'
import { initialHealth } from './health-states.ts'
import {
  candidateOf,
  initialView,
  isNewer,
  type RegionView,
  speaksOurWire,
  viewAfterReport,
} from './region-view.ts'

const FIXTURE = join(import.meta.dirname, '../../test/wire/fixtures/v1/load-report.json')
const REPORT = JSON.parse(readFileSync(FIXTURE, 'utf8')) as LoadReport
const FRANKFURT: Region = {
  id: 'eu-central',
  name: 'Frankfurt',
  lat: 50.11,
  lon: 8.68,
  residencyTags: ['eu'],
  ingress: ['https://127.0.0.1:7443'],
  bias: 0,
  capacityScaler: 1,
  admin: 'active',
  models: new Map(),
  maxSlots: 64,
}
const BEFORE = initialView(FRANKFURT, initialHealth(0))

function after(
  view: RegionView,
  report: Partial<LoadReport>,
  rttMs = 10,
  nowMs = 1_000,
): RegionView {
  const health = { kind: 'healthy', sinceMs: nowMs } as const
  return viewAfterReport(view, { report: { ...REPORT, ...report }, rttMs, health, nowMs })
}

test('before the first probe nothing is known, and that is said', () => {
  const candidate = candidateOf(BEFORE, 5_000)

  assert.equal(BEFORE.problem, 'not probed yet')
  assert.deepEqual(
    { ...candidate, models: [...candidate.models] },
    {
      region: FRANKFURT,
      state: 'suspect',
      report: undefined,
      isInRotation: true,
      speaksOurWire: true,
      models: [],
      rttMs: undefined,
      rttAgeMs: Number.POSITIVE_INFINITY,
    },
  )
})

test('a good probe brings report, round trip and models, and ends the problem', () => {
  const view = after(BEFORE, {}, 12, 1_000)
  const candidate = candidateOf(view, 1_250)

  assert.equal(view.problem, undefined)
  assert.equal(view.report?.seq, 12)
  assert.deepEqual([candidate.rttMs, candidate.rttAgeMs, candidate.state], [12, 250, 'healthy'])
})

test('the mean round trip follows each probe by three tenths', () => {
  const view = after(after(BEFORE, {}, 10), {}, 20)

  assert.equal(view.rttMs, 13)
})

test('models are known by their canonical names, and keep the names that the region uses', () => {
  const load = { queue: 'cpu', digest: 'abc', loaded: true }

  const { models } = after(BEFORE, { models: { Qwen3: load, 'smollm2:135m': load } })

  assert.deepEqual(
    [...models],
    [
      ['qwen3:latest', 'Qwen3'],
      ['smollm2:135m', 'smollm2:135m'],
    ],
  )
})

test('the list of models is built anew only when its revision changes', () => {
  const first = after(BEFORE, {})

  assert.equal(after(first, {}).models, first.models)
  assert.notEqual(after(first, { modelsRevision: 'other' }).models, first.models)
})

const REPLACEMENTS: readonly [situation: string, report: Partial<LoadReport>, isNewer: boolean][] =
  [
    ['a later report of the same start is newer', { seq: REPORT.seq + 1 }, true],
    ['the same report again is not', {}, false],
    ['an earlier report is not', { seq: REPORT.seq - 1 }, false],
    ['the first report of a new start is newer', { epoch: REPORT.epoch + 1, seq: 1 }, true],
    ['a report of an old start is not', { epoch: REPORT.epoch - 1, seq: 999 }, false],
    ['a report of another ingress is', { ingress: 'i2', epoch: 1, seq: 1 }, true],
  ]

for (const [situation, report, expected] of REPLACEMENTS) {
  test(situation, () => {
    assert.equal(isNewer({ ...REPORT, ...report }, REPORT), expected)
  })
}

test('the first report is newer than none', () => {
  assert.equal(isNewer(REPORT, undefined), true)
})

test('two builds talk when their ranges of wire versions meet', () => {
  assert.equal(speaksOurWire(after(BEFORE, { wire: { min: 1, max: 7 } })), true)
  assert.equal(speaksOurWire(after(BEFORE, { wire: { min: 8, max: 9 } })), false)
})
