import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestOf, rowOfRegions } from '../../test/support/decision-world.ts'
import type { Place } from '../place/locate.ts'
import { type Decision, decide } from './decide.ts'
import { DECISION_DEFAULTS } from './decision-options.ts'
import { clientNetwork, type ExplainedAttempt, ExplainLog, type RouteInputs } from './explain.ts'
import { ANYWHERE, parseResidency } from './residency.ts'

const KABUL: Place = {
  source: 'location',
  countryIsoCode: 'AF',
  location: { lat: 34.53, lon: 69.17 },
  accuracyRadiusKm: 50,
}
const INPUTS: RouteInputs = {
  requestId: 'req_local_000000000000000000000001',
  time: '2026-11-24T16:00:00.000Z',
  startedMs: 1_000,
  gateway: 'local',
  gatewayTags: ['eu'],
  clientAddress: '81.2.69.160',
  place: KABUL,
  databaseBuilt: '2026-11-20T00:00:00.000Z',
  tenant: 'acme',
  model: 'qwen3',
  lane: 'interactive',
  priority: 'standard',
  residency: ANYWHERE,
  affinity: { source: 'field', hash: '0123456789abcdef' },
}

function newLog(options: { explainRecordsMax?: number; explainAgeMs?: number } = {}): ExplainLog {
  return new ExplainLog({ explainRecordsMax: 10, explainAgeMs: 60_000, ...options })
}

function openIn(log: ExplainLog, requestId: string, nowMs = 0): void {
  log.open({ ...INPUTS, requestId }, [], nowMs)
}

function decisionBetween(triedIds: readonly string[] = []): Decision {
  const regions = rowOfRegions(
    { id: 'near', facts: { state: 'down' } },
    { id: 'middle' },
    { id: 'far' },
  )
  const tried = triedIds.map((regionId) => ({ regionId, outcome: 'failed' as const }))
  return decide(requestOf({ x: 0.25, tried }), regions, DECISION_DEFAULTS)
}

test('a record tells the inputs, the decision and every attempt', () => {
  const log = newLog()
  const attempts: ExplainedAttempt[] = []
  const trace = log.open(INPUTS, attempts, 0)
  trace.onDecision(decisionBetween())
  attempts.push({
    regionId: 'middle',
    startedMs: 1_002,
    acceptedMs: 1_010.25,
    endedMs: 1_020,
    outcome: 'upstream_error',
    code: 'worker-lost',
    workStarted: 'yes',
    paidBy: 'first',
  })
  trace.onDecision(decisionBetween(['middle']))
  attempts.push({ regionId: 'far', startedMs: 1_021, paidBy: 'grant', resumeBytes: 300 })

  const record = log.get(INPUTS.requestId, 1)

  assert.ok(record)
  assert.deepEqual(record.client, {
    network: '81.2.69.0/24',
    country: 'AF',
    lat: 34.53,
    lon: 69.17,
    radiusKm: 50,
    source: 'location',
    databaseBuilt: '2026-11-20T00:00:00.000Z',
  })
  assert.deepEqual([record.x, record.mode, record.refusal], [0.25, 'waterfall', null])
  assert.deepEqual(
    record.regions.map(({ id, excludedBy, share }) => [id, excludedBy, share]),
    [
      ['near', 'state', 0],
      ['middle', null, 1],
      ['far', null, 0],
    ],
  )
  assert.deepEqual(
    record.laterDecisions.map(({ regionId, regions }) => [regionId, regions[1]?.excludedBy]),
    [['far', 'tried']],
  )
  assert.deepEqual(record.attempts[0], {
    region: 'middle',
    endpoint: null,
    worker: null,
    hop: 0,
    resumeBytes: 0,
    phases: {
      startedMs: 2,
      acceptedMs: 10.3,
      workerStartedMs: null,
      firstContentMs: null,
      endedMs: 20,
    },
    outcome: 'upstream_error',
    code: 'worker-lost',
    workStarted: 'yes',
    paidBy: 'first',
  })
  assert.deepEqual([record.attempts[1]?.paidBy, record.attempts[1]?.resumeBytes], ['grant', 300])
  // 2 × 9 degrees of the equator farther than the region that is down: 2 × 1,000.8 km × 0.02.
  assert.equal(record.detourMs?.toFixed(2), '40.03')
  assert.deepEqual(record.receipt, ['middle', 'far'])
})

test('a record is fit for JSON and holds no whole address', () => {
  const log = newLog()
  log.open(INPUTS, [], 0).onDecision(decisionBetween())

  const record = log.get(INPUTS.requestId, 1)
  const text = JSON.stringify(record)

  assert.deepEqual(JSON.parse(text), record)
  assert.equal(text.includes('81.2.69.160'), false)
})

test('a refusal tells its code and its reason', () => {
  const log = newLog()
  const refused = decide(
    requestOf({ model: 'none' }),
    rowOfRegions({ id: 'eu' }),
    DECISION_DEFAULTS,
  )
  log.open(INPUTS, [], 0).onDecision(refused)

  const record = log.get(INPUTS.requestId, 1)

  assert.deepEqual(
    [record?.mode, record?.refusal?.code, record?.refusal?.reason, record?.detourMs],
    ['refused', 'no_region_available', 'unavailable', null],
  )
})

test('a request that was refused before any decision has a record, too', () => {
  const log = newLog()
  log.open({ ...INPUTS, affinity: undefined, clientAddress: undefined }, [], 0)

  const record = log.get(INPUTS.requestId, 1)

  assert.deepEqual([record?.mode, record?.x, record?.regions], [null, null, []])
  assert.deepEqual([record?.affinity, record?.client.network], [null, null])
})

test('no detour is counted from a region where the request could never go', () => {
  const log = newLog()
  const regions = rowOfRegions(
    { id: 'near', region: { residencyTags: ['us'] } },
    { id: 'far', region: { residencyTags: ['eu'] } },
  )
  const residency = parseResidency(['eu'], ['eu', 'us'])
  const attempts = [{ regionId: 'far', startedMs: 1_000 }]
  const trace = log.open({ ...INPUTS, residency }, attempts, 0)
  trace.onDecision(decide(requestOf({ residency }), regions, DECISION_DEFAULTS))

  assert.equal(log.get(INPUTS.requestId, 1)?.detourMs, 0)
})

test('only a region to which no connection was made is not on the receipt', () => {
  const log = newLog()
  const attempts: ExplainedAttempt[] = [
    { regionId: 'a', startedMs: 0, failedIn: 'connect' },
    { regionId: 'b', startedMs: 0, failedIn: 'send' },
    { regionId: 'c', startedMs: 0, outcome: 'overloaded', workStarted: 'no' },
    { regionId: 'c', startedMs: 0, outcome: 'answered' },
  ]
  log.open(INPUTS, attempts, 0)

  assert.deepEqual(log.get(INPUTS.requestId, 1)?.receipt, ['b', 'c'])
})

test('as many records are kept as may be, the oldest out first', () => {
  const log = newLog({ explainRecordsMax: 3 })
  for (const id of ['a', 'b', 'c', 'd', 'e']) openIn(log, id)

  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].map((id) => log.get(id, 0)?.requestId),
    [undefined, undefined, 'c', 'd', 'e'],
  )
  assert.equal(log.size, 3)
})

test('a record is shown for as long as its age allows', () => {
  const log = newLog({ explainAgeMs: 1_000 })
  openIn(log, 'a', 500)

  assert.equal(log.get('a', 1_500)?.requestId, 'a')
  assert.equal(log.get('a', 1_501), undefined)
})

test('the same id twice shows the newer record, and the older one takes nothing with it', () => {
  const log = newLog({ explainRecordsMax: 2 })
  log.open({ ...INPUTS, requestId: 'a', tenant: 'older' }, [], 0)
  log.open({ ...INPUTS, requestId: 'a', tenant: 'newer' }, [], 0)
  assert.equal(log.get('a', 0)?.tenant, 'newer')

  openIn(log, 'b') // Takes the place of the older one.
  assert.equal(log.get('a', 0)?.tenant, 'newer')
})

test('a request cannot fill the memory with decisions', () => {
  const log = newLog()
  const trace = log.open(INPUTS, [], 0)
  for (let at = 0; at < 100; at++) trace.onDecision(decisionBetween())

  assert.equal(log.get(INPUTS.requestId, 0)?.laterDecisions.length, 15)
})

const NETWORKS: readonly [address: string | undefined, network: string | null][] = [
  ['81.2.69.160', '81.2.69.0/24'],
  ['::ffff:81.2.69.160', '81.2.69.0/24'],
  ['2001:db8:1:2:3::4', '2001:db8:1::/48'],
  ['fe80::1%eth0', 'fe80::/48'],
  ['<script>', null],
  [undefined, null],
]

for (const [address, network] of NETWORKS) {
  test(`of ${address} the record keeps ${network}`, () => {
    assert.equal(clientNetwork(address), network)
  })
}
