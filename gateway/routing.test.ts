import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MODEL, NOW_MS, regionOf, reportOf } from '../test/support/decision-world.ts'
import { GatewayError } from './errors.ts'
import type { Place } from './place/locate.ts'
import { DECISION_DEFAULTS } from './regions/decision-options.ts'
import { ANYWHERE } from './regions/residency.ts'
import { type AttemptRecord, openContext, type RequestContext } from './request-context.ts'
import { type RequestRouting, Routing } from './routing.ts'
import type { ViewFacts } from './upstream/region-view.ts'
import type { AttemptOutcome } from './upstream/route.ts'

const FRANKFURT: Place = {
  source: 'location',
  location: { lat: 50.1, lon: 8.7 },
  accuracyRadiusKm: 20,
}
const LOST: AttemptOutcome = {
  kind: 'failed',
  code: 'no_region_available',
  fault: 'region',
  workStarted: 'no',
  cause: 'reset',
}
const FULL: AttemptOutcome = { ...LOST, code: 'overloaded', cause: 'overflow' }

test('a failed attempt is followed by another region, and the budget pays for it', () => {
  const { routing, context } = openRouting(['near', 'far'])

  const first = attempt(routing, context, LOST)
  const second = attempt(routing, context, { kind: 'answered' })

  assert.deepEqual([first.regionId, first.paidBy, first.hop], ['near', 'first', 0])
  assert.deepEqual([second.regionId, second.paidBy, second.hop], ['far', 'budget', 0])
})

test('what follows the refusal of a full region is a hop', () => {
  const { routing, context } = openRouting(['near', 'far'])

  attempt(routing, context, FULL)
  const second = attempt(routing, context, { kind: 'answered' })

  assert.equal(second.hop, 1)
})

test('when the budget is spent there is no further attempt', () => {
  const { routing, context } = openRouting(['near', 'far'], { retryFloor: 0, retryShare: 0 })
  attempt(routing, context, LOST)

  assert.equal(routing.choose(), undefined)
})

test('what was in flight to a region when it was lost is paid for, whatever the budget says', () => {
  const world = openRouting(['near', 'far'], { retryFloor: 0, retryShare: 0 })
  const record = begin(world.routing, world.context)
  world.shared.grants.onDeparture(record.record.regionId)
  record.report.ended(LOST)

  const second = attempt(world.routing, world.context, { kind: 'answered' })

  assert.equal(second.paidBy, 'grant')
})

test('without any region the first attempt is refused, with the time to come back', () => {
  const { routing } = openRouting([])

  assert.throws(
    () => routing.choose(),
    (error) => error instanceof GatewayError && error.code === 'no_region_available',
  )
})

test('the record tells every decision and attempt, and lives on after the request', () => {
  const { routing, context, shared } = openRouting(['near', 'far'])
  attempt(routing, context, LOST)
  attempt(routing, context, { kind: 'answered' })

  const record = shared.record(context.requestId)

  assert.deepEqual(
    record?.attempts.map(({ region, paidBy }) => [region, paidBy]),
    [
      ['near', 'first'],
      ['far', 'budget'],
    ],
  )
  assert.equal(record?.laterDecisions.length, 1)
  assert.equal(shared.record('req_test_unknown'), undefined)
})

test('a region is worked out anew only when something about it has changed', () => {
  const { shared } = openRouting(['near', 'far'])

  const [first] = shared.prepared()
  const [second] = shared.prepared()

  assert.equal(first, second)
})

function openRouting(ids: readonly string[], options: Partial<typeof DECISION_DEFAULTS> = {}) {
  const facts = ids.map((id, i) => factsOf(id, i))
  const shared = new Routing({
    facts: () => facts,
    options: { ...DECISION_DEFAULTS, ...options },
    gatewayId: 'test',
    gatewayTags: [],
    firstContentDeadlineMs: 120_000,
    liveGateways: () => 1,
    nowMs: () => NOW_MS,
    wallClock: () => '2026-01-01T00:00:00.000Z',
    random: () => 0,
  })
  const context = openContext({
    requestId: 'req_test_1',
    startedMs: NOW_MS,
    method: 'POST',
    route: '/api/chat',
    httpVersion: '1.1',
  })
  const routing = shared.open(context, {
    place: FRANKFURT,
    model: MODEL,
    priority: 'standard',
    residency: ANYWHERE,
  })
  return { routing, context, shared }
}

function begin(routing: RequestRouting, context: RequestContext) {
  const regionId = routing.choose()
  assert.ok(regionId !== undefined)
  const record: AttemptRecord = { regionId, startedMs: NOW_MS }
  context.attempts.push(record)
  return { record, report: routing.begin(record) }
}

function attempt(
  routing: RequestRouting,
  context: RequestContext,
  outcome: AttemptOutcome,
): AttemptRecord {
  const { record, report } = begin(routing, context)
  record.endedMs = NOW_MS
  report.ended(outcome)
  return record
}

function factsOf(id: string, distance: number): ViewFacts {
  return {
    region: regionOf({ id, lat: 50.1 - 20 * distance, lon: 8.7 }),
    state: 'healthy',
    trialsLeft: 0,
    readySinceMs: undefined,
    laneReadySinceMs: { interactive: undefined, durable: undefined },
    report: reportOf({ id }),
    reportAtMs: NOW_MS,
    accepts: { interactive: true, durable: true },
    speaksOurWire: true,
    models: new Map([['qwen3:latest', 'qwen3:latest']]),
    rttMs: 10,
  }
}
