import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, GatewayError } from '../errors.ts'
import type { Place } from '../place/locate.ts'
import { openContext, type RequestContext } from '../request-context.ts'
import { logAccess } from './access-log.ts'
import { createLog } from './log.ts'

const MARKER = 'my secret prompt'
const FRANKFURT: Place = {
  source: 'location',
  countryIsoCode: 'DE',
  continentCode: 'EU',
  location: { lat: 50.11, lon: 8.68 },
  accuracyRadiusKm: 20,
}

function contextOf(fields: Partial<RequestContext> = {}): RequestContext {
  const facts = {
    requestId: 'req_gw1_0123456789abcdef01234567',
    startedMs: 1_000,
    method: 'POST',
    route: '/v1/chat/completions',
    httpVersion: '2.0',
  }
  return { ...openContext(facts), ...fields }
}

/** The line that is written for a request which ends at 1,500 ms, less its time and process. */
function lineOf(context: RequestContext): Record<string, unknown> {
  const texts: string[] = []
  const log = createLog('info', 'gw1', { write: (text) => void texts.push(text) })
  logAccess(log, context, 1_500)
  assert.equal(texts.length, 1)
  assert.ok(!texts[0]?.includes(MARKER))
  const line = JSON.parse(texts[0] ?? '') as Record<string, unknown>
  for (const name of ['time', 'service.name', 'service.instance.id']) delete line[name]
  return line
}

/** After a hop from a full region. */
const ANSWERED = contextOf({
  clientAddress: '203.0.113.77',
  place: FRANKFURT,
  model: 'smollm2:135m',
  isStream: true,
  affinity: { source: 'messages', hash: '0123456789abcdef' },
  attempts: [
    {
      regionId: 'us-east',
      startedMs: 1_001.04,
      endedMs: 1_002.06,
      outcome: 'overloaded',
      workStarted: 'no',
    },
    {
      regionId: 'eu-central',
      startedMs: 1_002.5,
      acceptedMs: 1_003,
      workerStartedMs: 1_004,
      firstContentMs: 1_100,
      endedMs: 1_499,
      outcome: 'answered',
      workerId: 'w1',
    },
  ],
  regionId: 'eu-central',
  committedMs: 1_100.26,
  status: 200,
  bytesIn: 120,
  bytesOut: 4_096,
  inputTokens: 12,
  outputTokens: 34,
})

test('a request that was answered is one line of everything but its text', () => {
  assert.deepEqual(lineOf(ANSWERED), {
    level: 'info',
    msg: 'request',
    request_id: 'req_gw1_0123456789abcdef01234567',
    'http.request.method': 'POST',
    'http.route': '/v1/chat/completions',
    'http.response.status_code': 200,
    'network.protocol.version': '2.0',
    'http.request.body.size': 120,
    'http.response.body.size': 4_096,
    'client.network': '203.0.113.0/24',
    'geo.country.iso_code': 'DE',
    'geo.continent.code': 'EU',
    'meridian.place.source': 'location',
    'meridian.region': 'eu-central',
    'meridian.worker': 'w1',
    'meridian.response_flag': '-',
    'gen_ai.request.model': 'smollm2:135m',
    'gen_ai.usage.input_tokens': 12,
    'gen_ai.usage.output_tokens': 34,
    'meridian.stream': true,
    duration_ms: 500,
    first_content_ms: 100.3,
    attempts: [
      {
        region: 'us-east',
        outcome: 'overloaded',
        work_started: 'no',
        started_ms: 1,
        ended_ms: 2.1,
      },
      {
        region: 'eu-central',
        outcome: 'answered',
        started_ms: 2.5,
        accepted_ms: 3,
        worker_started_ms: 4,
        ended_ms: 499,
      },
    ],
  })
})

test('a request that came to nothing early is a short line', () => {
  const context = contextOf({ status: 400, errorCode: 'invalid_json', bytesIn: 7 })

  assert.deepEqual(lineOf(context), {
    level: 'info',
    msg: 'request',
    request_id: 'req_gw1_0123456789abcdef01234567',
    'http.request.method': 'POST',
    'http.route': '/v1/chat/completions',
    'http.response.status_code': 400,
    'network.protocol.version': '2.0',
    'http.request.body.size': 7,
    'http.response.body.size': 0,
    'meridian.response_flag': '-',
    'error.type': 'invalid_json',
    duration_ms: 500,
    attempts: [],
  })
})

const LEVELS: readonly [code: ErrorCode, level: string, flag: string][] = [
  ['client_closed', 'info', 'DC'],
  ['model_not_found', 'info', '-'],
  ['model_refused', 'info', '-'],
  ['overloaded', 'warn', 'UO'],
  ['no_region_available', 'warn', 'UH'],
  ['upstream_error', 'warn', 'UF'],
  ['deadline_exceeded', 'warn', 'UT'],
  ['stream_interrupted', 'warn', 'UC'],
  ['internal_error', 'error', '-'],
]

for (const [errorCode, level, flag] of LEVELS) {
  test(`${errorCode} is logged as ${level} with the flag ${flag}`, () => {
    const { status } = new GatewayError(errorCode)
    const line = lineOf(contextOf({ errorCode, status }))

    assert.equal(line.level, level)
    assert.equal(line['error.type'], errorCode)
    assert.equal(line['meridian.response_flag'], flag)
    assert.equal(line['http.response.status_code'], status)
  })
}

const NETWORKS: readonly [address: string | undefined, network: string | undefined][] = [
  ['203.0.113.77', '203.0.113.0/24'],
  ['10.1.2.3', '10.1.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
  ['2001:db8::1', '2001:db8::/48'],
  ['2001::1', '2001::/48'],
  ['::1', '::/48'],
  ['1::2:3:4:5:6:7', '1:0:2::/48'],
  ['::ffff:203.0.113.77', '203.0.113.0/24'],
  [undefined, undefined],
  ['nonsense', undefined],
]

for (const [address, network] of NETWORKS) {
  test(`of the client ${address} the network ${network} is logged`, () => {
    const context = contextOf(address === undefined ? {} : { clientAddress: address })

    assert.equal(lineOf(context)['client.network'], network)
  })
}

test('a fault of ours is logged with its stack', () => {
  const line = lineOf(
    contextOf({ errorCode: 'internal_error', cause: new TypeError('no such map') }),
  )

  assert.match(String(line.err), /^TypeError: no such map\n {4}at .*access-log\.test\.ts/)
})

test('of a syntax error the place is logged, and not the text that it quotes', () => {
  let cause: unknown
  try {
    JSON.parse(`{"prompt": ${MARKER}}`)
  } catch (error) {
    cause = error
  }
  assert.ok(cause instanceof SyntaxError && cause.message.includes('my'))

  const line = lineOf(contextOf({ errorCode: 'internal_error', cause }))

  assert.match(String(line.err), /^SyntaxError\n {4}at /)
  assert.doesNotMatch(String(line.err), /my/)
})

test('what a region said is logged as it is', () => {
  const line = lineOf(contextOf({ errorCode: 'overloaded', cause: 'overflow' }))

  assert.equal(line.err, 'overflow')
})

test('the name of a model is logged up to its longest form', () => {
  const line = lineOf(contextOf({ model: 'x'.repeat(1_000) }))

  assert.equal(line['gen_ai.request.model'], 'x'.repeat(256))
})
