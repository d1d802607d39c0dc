import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import type { Region } from '../regions/region.ts'
import { type HealthState, initialHealth, type RegionHealth } from './health-states.ts'
import type { LaneHealth } from './lane-health.ts'
import {
  candidateOf,
  factsOf,
  initialView,
  memberOf,
  type RegionView,
  speaksOurWire,
  viewAfterHealth,
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
  return viewAfterReport(view, { report: { ...REPORT, ...report }, rttMs, nowMs })
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
  assert.deepEqual([candidate.rttMs, candidate.rttAgeMs], [12, 250])
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

test('two builds talk when their ranges of wire versions meet', () => {
  assert.equal(speaksOurWire(after(BEFORE, { wire: { min: 1, max: 7 } })), true)
  assert.equal(speaksOurWire(after(BEFORE, { wire: { min: 8, max: 9 } })), false)
})

const HEALTHY: HealthState = { kind: 'healthy', sinceMs: 1_000 }
const OPEN: LaneHealth = { kind: 'accepting', refusals: 0, rampSinceMs: undefined }
const REOPENED: LaneHealth = { kind: 'accepting', refusals: 0, rampSinceMs: 700 }
const SHUT: LaneHealth = { kind: 'refusing', sinceMs: 500 }

function healthOf(more: Partial<RegionHealth>): RegionHealth {
  return { ...initialHealth(0), lanes: { interactive: OPEN, durable: OPEN }, ...more }
}

function viewOf(more: Partial<RegionHealth>, report: Partial<LoadReport> = {}): RegionView {
  return viewAfterHealth(after(BEFORE, report), healthOf(more))
}

test('a step of the state machine changes the view only where it shows', () => {
  const health = healthOf({ state: HEALTHY })
  const view = viewAfterHealth(BEFORE, health)
  const remembered = { ...health, memory: { ...health.memory, failedProbeMs: 7 } }

  assert.equal(viewAfterHealth(view, remembered), view)
  assert.equal(view.health, HEALTHY)
  for (const change of [
    { state: { kind: 'draining', sinceMs: 1 } },
    { lanes: { interactive: SHUT, durable: OPEN } },
    { rampSinceMs: 1 },
    { isDrained: true },
  ] as const satisfies Partial<RegionHealth>[]) {
    assert.notEqual(viewAfterHealth(view, { ...health, ...change }), view)
  }
})

test('a decision is told the state, its trials and its ramps', () => {
  const state: HealthState = { kind: 'probing', sinceMs: 0, trialsLeft: 2, trialsStarted: 1 }
  const lanes = { interactive: REOPENED, durable: SHUT }

  const facts = factsOf(viewOf({ state, lanes, rampSinceMs: 900 }))

  assert.deepEqual([facts.state, facts.trialsLeft, facts.readySinceMs], ['probing', 2, 900])
  assert.deepEqual(facts.laneReadySinceMs, { interactive: 700, durable: undefined })
  assert.deepEqual(facts.accepts, { interactive: true, durable: false })
  assert.deepEqual([facts.reportAtMs, facts.rttMs, facts.report?.seq], [1_000, 10, REPORT.seq])
})

test('before the first report no lane accepts, as far as a decision is told', () => {
  const { accepts, trialsLeft, report } = factsOf(BEFORE)

  assert.deepEqual(accepts, { interactive: false, durable: false })
  assert.deepEqual([trialsLeft, report], [0, undefined])
})

test('a region that an operator drains is barred as such, whatever its state', () => {
  const state: HealthState = { kind: 'down', sinceMs: 0, cause: 'probes' }

  assert.equal(factsOf(viewOf({ state, isDrained: true })).region.admin, 'drain')
  assert.equal(factsOf(viewOf({ state })).region, FRANKFURT)
})

const QUEUE = REPORT.queues.cpu
assert.ok(QUEUE)
const FULL = { ...QUEUE, slots: 4, busy: 3, queued: 1 }
const MEMBERS: readonly [situation: string, view: RegionView, isAvailable: boolean][] = [
  ['one with a free slot is', viewOf({}, { queues: { cpu: { ...FULL, queued: 0 } } }), true],
  ['one that is full is not', viewOf({}, { queues: { cpu: FULL } }), false],
  ['one without queues is not', viewOf({}, { queues: {} }), false],
  ['one that drains is not', viewOf({}, { draining: true }), false],
  ['one whose lane is shut is not', viewOf({ lanes: { interactive: SHUT, durable: OPEN } }), false],
  ['one that was never heard of is not', BEFORE, false],
  [
    'one that its operator scaled to nothing is not',
    { ...viewOf({}), region: { ...FRANKFURT, capacityScaler: 0 } },
    false,
  ],
]

for (const [situation, view, isAvailable] of MEMBERS) {
  test(`of the regions that count as available: ${situation}`, () => {
    assert.equal(memberOf(view).isAvailable, isAvailable)
  })
}

test('a region is active unless config or an operator says otherwise', () => {
  const off: RegionView = { ...BEFORE, region: { ...FRANKFURT, admin: 'drain' } }

  const active = [BEFORE, viewOf({ isDrained: true }), off].map((view) => memberOf(view).isActive)

  assert.deepEqual(active, [true, false, false])
})
