import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openContext, type RequestContext } from '../request-context.ts'
import { createMetrics, type GatewayMetrics } from './metrics.ts'

const SOURCES = { inFlight: () => 3, regionsInRotation: () => [] }

function contextOf(fields: Partial<RequestContext> = {}): RequestContext {
  const facts = {
    requestId: 'req_gw1_0123456789abcdef01234567',
    startedMs: 1_000,
    method: 'POST',
    route: '/api/chat',
    httpVersion: '1.1',
  }
  return { ...openContext(facts), status: 200, ...fields }
}

/** The samples of one metric, without its histogram's buckets. */
async function samplesOf(metrics: GatewayMetrics, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n')
  return lines.filter((line) => line.startsWith(name) && !/^\S+_bucket/.test(line)).sort()
}

test('a request that was answered is counted where it was answered', async () => {
  const metrics = createMetrics(SOURCES)
  const context = contextOf({
    regionId: 'eu-central',
    committedMs: 1_250,
    attempts: [
      { regionId: 'us-east', startedMs: 1_000, outcome: 'overloaded' },
      { regionId: 'eu-central', startedMs: 1_001, outcome: 'answered' },
    ],
    inputTokens: 12,
    outputTokens: 34,
  })

  metrics.onRequestEnd(context, 3_000)
  metrics.onRequestEnd(context, 3_000)

  assert.deepEqual(await samplesOf(metrics, 'meridian_requests_total'), [
    'meridian_requests_total{route="/api/chat",region="eu-central",status="200",code="none"} 2',
  ])
  assert.deepEqual(await samplesOf(metrics, 'meridian_request_duration_seconds'), [
    'meridian_request_duration_seconds_count{route="/api/chat"} 2',
    'meridian_request_duration_seconds_sum{route="/api/chat"} 4',
  ])
  assert.deepEqual(await samplesOf(metrics, 'meridian_time_to_first_content_seconds'), [
    'meridian_time_to_first_content_seconds_count{route="/api/chat",region="eu-central"} 2',
    'meridian_time_to_first_content_seconds_sum{route="/api/chat",region="eu-central"} 0.5',
  ])
  assert.deepEqual(await samplesOf(metrics, 'meridian_attempts_total'), [
    'meridian_attempts_total{region="eu-central",outcome="answered"} 2',
    'meridian_attempts_total{region="us-east",outcome="overloaded"} 2',
  ])
  assert.deepEqual(await samplesOf(metrics, 'meridian_tokens_total'), [
    'meridian_tokens_total{region="eu-central",direction="input"} 24',
    'meridian_tokens_total{region="eu-central",direction="output"} 68',
  ])
})

test('a request that failed is counted by its code, and has no first content', async () => {
  const metrics = createMetrics(SOURCES)

  metrics.onRequestEnd(contextOf({ status: 503, errorCode: 'no_region_available' }), 1_010)

  assert.deepEqual(await samplesOf(metrics, 'meridian_requests_total'), [
    'meridian_requests_total{route="/api/chat",region="none",status="503",' +
      'code="no_region_available"} 1',
  ])
  assert.deepEqual(await samplesOf(metrics, 'meridian_time_to_first_content_seconds'), [])
  assert.deepEqual(await samplesOf(metrics, 'meridian_tokens_total'), [])
})

test('nothing that a client writes becomes a label', async () => {
  const metrics = createMetrics(SOURCES)
  const context = contextOf({
    requestId: 'req_marker',
    method: 'marker',
    httpVersion: 'marker',
    clientAddress: 'marker',
    model: 'marker',
    affinity: { source: 'field', hash: 'marker' },
    cause: 'marker',
    attempts: [{ regionId: 'eu-central', startedMs: 1_000, workerId: 'marker' }],
  })

  metrics.onRequestEnd(context, 2_000)

  assert.doesNotMatch(await metrics.text(), /marker/)
})

test('what became of an attempt that never ended is unknown', async () => {
  const metrics = createMetrics(SOURCES)
  const attempts = [{ regionId: 'eu-central', startedMs: 1_000 }]

  metrics.onRequestEnd(contextOf({ attempts }), 2_000)

  assert.deepEqual(await samplesOf(metrics, 'meridian_attempts_total'), [
    'meridian_attempts_total{region="eu-central",outcome="unknown"} 1',
  ])
})

test('changes of health are counted by what they were and became', async () => {
  const metrics = createMetrics(SOURCES)

  metrics.onHealthChange('eu-central', 'healthy', 'suspect')
  metrics.onHealthChange('eu-central', 'suspect', 'down')

  assert.deepEqual(await samplesOf(metrics, 'meridian_region_health_changes_total'), [
    'meridian_region_health_changes_total{region="eu-central",from="healthy",to="suspect"} 1',
    'meridian_region_health_changes_total{region="eu-central",from="suspect",to="down"} 1',
  ])
})

test('gauges are read when somebody asks', async () => {
  let inFlight = 1
  let isIn = true
  const metrics = createMetrics({
    inFlight: () => inFlight,
    regionsInRotation: () => [{ id: 'eu-central', isIn }],
  })
  await metrics.text()

  inFlight = 2
  isIn = false

  assert.deepEqual(await samplesOf(metrics, 'meridian_requests_in_flight'), [
    'meridian_requests_in_flight 2',
  ])
  assert.deepEqual(await samplesOf(metrics, 'meridian_region_in_rotation'), [
    'meridian_region_in_rotation{region="eu-central"} 0',
  ])
})

test('two gateways in one process count apart, and both show the process', async () => {
  const [one, other] = [createMetrics(SOURCES), createMetrics(SOURCES)]

  one.onHealthChange('eu-central', 'healthy', 'suspect')

  assert.equal((await samplesOf(other, 'meridian_region_health_changes_total')).length, 0)
  for (const metrics of [one, other]) {
    assert.match(await metrics.text(), /^process_cpu_seconds_total \d/m)
    assert.match(await metrics.text(), /^nodejs_eventloop_lag_p99_seconds \d/m)
  }
})
