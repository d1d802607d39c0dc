import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import { type Candidate, type Exclusion, exclusionOf, isKnownModel } from './candidates.ts'
import type { Region } from './region.ts'

const FIXTURE = join(import.meta.dirname, '../../test/wire/fixtures/v1/load-report.json')
const REPORT = JSON.parse(readFileSync(FIXTURE, 'utf8')) as LoadReport
const FRANKFURT: Region = {
  id: 'eu-central',
  name: 'Frankfurt',
  lat: 50.11,
  lon: 8.68,
  residencyTags: [],
  ingress: [],
  bias: 0,
  capacityScaler: 1,
  admin: 'active',
  models: new Map(),
  maxSlots: 64,
}
const OPEN: Candidate = {
  region: FRANKFURT,
  state: 'healthy',
  report: { ...REPORT, accepts: { interactive: true, durable: false } },
  isInRotation: true,
  speaksOurWire: true,
  models: new Map([['qwen3:latest', 'qwen3']]),
  rttMs: 10,
  rttAgeMs: 0,
}
const CLOSED_LANE: LoadReport = { ...REPORT, accepts: { interactive: false, durable: true } }

const RULES: readonly [situation: string, facts: Partial<Candidate>, Exclusion | undefined][] = [
  ['a region that can serve is a candidate', {}, undefined],
  ['a suspect region is one, too', { state: 'suspect' }, undefined],
  ['one that an operator drains is none', { region: { ...FRANKFURT, admin: 'drain' } }, 'admin'],
  ['one that is switched off is none', { region: { ...FRANKFURT, admin: 'off' } }, 'admin'],
  ['one that drains itself is none', { report: { ...REPORT, draining: true } }, 'draining'],
  ['one without the model is none', { models: new Map() }, 'model'],
  ['one that speaks another wire is none', { speaksOurWire: false }, 'version'],
  ['one whose lane takes nothing is none', { report: CLOSED_LANE }, 'lane'],
  ['one that never answered is none', { report: undefined }, 'lane'],
  ['one that is out of rotation is none', { isInRotation: false }, 'state'],
]

for (const [situation, facts, rule] of RULES) {
  test(situation, () => {
    assert.equal(exclusionOf({ ...OPEN, ...facts }, 'qwen3', []), rule)
  })
}

test('a region that was tried for this request is no candidate again', () => {
  assert.equal(exclusionOf(OPEN, 'qwen3', ['us-east', 'eu-central']), 'tried')
  assert.equal(exclusionOf(OPEN, 'qwen3', ['us-east']), undefined)
})

test('the operator has the first word, and the state comes before having been tried', () => {
  const worst: Candidate = {
    ...OPEN,
    region: { ...FRANKFURT, admin: 'off' },
    models: new Map(),
    isInRotation: false,
  }

  assert.equal(exclusionOf(worst, 'qwen3', ['eu-central']), 'admin')
  assert.equal(exclusionOf({ ...worst, region: FRANKFURT }, 'qwen3', ['eu-central']), 'model')
  assert.equal(exclusionOf({ ...OPEN, isInRotation: false }, 'qwen3', ['eu-central']), 'state')
})

test('a question without a model leaves the rule about models out', () => {
  assert.equal(exclusionOf({ ...OPEN, models: new Map() }, undefined, []), undefined)
})

test('a model is found however it is written', () => {
  assert.equal(exclusionOf(OPEN, 'QWEN3:Latest', []), undefined)
  assert.equal(exclusionOf(OPEN, 'qwen3:14b', []), 'model')
})

test('a model is known when any region has it, whatever the state of that region', () => {
  const down = { ...OPEN, isInRotation: false }
  const other = { ...OPEN, models: new Map() }

  assert.equal(isKnownModel([other, down], 'Qwen3'), true)
  assert.equal(isKnownModel([other], 'qwen3'), false)
  assert.equal(isKnownModel([], 'qwen3'), false)
})
