// Goal: whatever a region or the way to it does, an attempt ends once, with the right word about
// what had begun, and leaves neither a connection nor a timer behind.
// Method: a real ingress over mutual TLS whose every step the test says; black holes are sockets
// that nobody reads. A limit that is not the subject of a test is 20 s, which is a hang.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { encodeRegionFailure, regionFailure } from '#wire/error-codes.ts'
import { FRAME_BYTES_MAX } from '#wire/frames.ts'
import {
  type FarEnd,
  startDeaf,
  startMute,
  startRelay,
  startUnaccepting,
} from '../../test/support/black-holes.ts'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import {
  frameBytes,
  type ScriptedCall,
  type ScriptedIngress,
  startScriptedIngress,
} from '../../test/support/scripted-ingress.ts'
import { factsOf, failure, SeenAttempt, UNLIMITED } from '../../test/support/seen-attempt.ts'
import type { PhaseLimits } from './attempt.ts'
import type { Evidence } from './evidence.ts'
import type { AttemptFailure } from './failures.ts'
import { RegionClient } from './region-client.ts'
import type { AttemptOutcome } from './route.ts'

const REGION = 'eu-central'
const certificates = await makeCertificates({ regions: [REGION] })
after(() => certificates[Symbol.asyncDispose]())

const GIVEN_UP = {
  kind: 'failed',
  code: 'client_closed',
  fault: 'client',
  workStarted: 'unknown',
} as const

function startIngress(): Promise<ScriptedIngress> {
  const { cert, key } = certificates.ingress[REGION]
  return startScriptedIngress({ region: REGION, tls: { ca: certificates.ca.cert, cert, key } })
}

function clientOf(origin: string, limits: Partial<PhaseLimits> = {}): RegionClient {
  const { cert, key } = certificates.gateway
  return new RegionClient({
    regionId: REGION,
    origin,
    tls: { ca: certificates.ca.cert, cert, key },
    trustDomain: certificates.trustDomain,
    connectionsMax: 16,
    phaseLimits: { ...UNLIMITED, ...limits },
  })
}

/** Long enough for bytes that are on their way to arrive: probes use a connection of their own. */
async function roundTrip(client: RegionClient): Promise<void> {
  await client.probe({ timeoutMs: 20_000, connection: 'warm', nowMs: () => performance.now() })
}

function connectionsOf(calls: readonly ScriptedCall[]): number {
  return new Set(calls.map(({ port }) => port)).size
}

test('an attempt tells of acceptance, worker and frames, and ends as answered', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client, '{"model":"smollm2:135m","stream":true}')
  const call = await ingress.call(1)

  call.accept().start('w7').frame('started', '{"worker":"w7"}').frame('delta', 'Hallo')
  call.frame('alive', '{"phase":"decode"}').frame('delta', ' Welt').frame('done', '!').end()

  assert.deepEqual(await seen.outcome, { kind: 'answered' })
  assert.equal(seen.acceptedTimes, 1)
  assert.equal(seen.workerId, 'w7')
  assert.deepEqual(seen.types, ['delta', 'alive', 'delta', 'done'])
  assert.equal(seen.text, 'Hallo{"phase":"decode"} Welt!')
  assert.equal((await call.body).toString(), '{"model":"smollm2:135m","stream":true}')
  assert.equal(call.request.headers['meridian-kind'], 'chat')
  assert.equal(call.request.headers['content-length'], '38')
})

test('frames that arrive cut anywhere are put together', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)
  const bytes = Buffer.concat([call.frameBytes('delta', 'é'.repeat(9)), call.frameBytes('done')])

  call.start()
  for (let at = 0; at < bytes.length; at += 3) {
    call.response.write(bytes.subarray(at, at + 3))
    await eventually('the bytes have left', () => call.response.writableLength === 0)
  }
  call.end()

  assert.deepEqual(await seen.outcome, { kind: 'answered' })
  assert.equal(seen.text, 'é'.repeat(9))
})

test('attempts one after the other share one connection, also behind failed ones', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const scripts: ((call: ScriptedCall) => void)[] = [
    (call) => call.start().frame('done').end(),
    (call) => call.start().frame('failed', '{"code":"ollama-failed"}').end(),
    (call) => call.fail(503, '{"code":"overflow"}'),
    (call) => call.start().frame('done').end(),
  ]

  const kinds: string[] = []
  for (const script of scripts) {
    const seen = new SeenAttempt(client)
    const call = await ingress.call(kinds.length + 1)
    script(call)
    kinds.push((await seen.outcome).kind)
    await eventually('the answer has ended', () => call.response.writableFinished)
    await roundTrip(client) // By now its end has arrived, too.
  }

  assert.deepEqual(kinds, ['answered', 'failed', 'failed', 'answered'])
  assert.equal(connectionsOf(ingress.calls), 1)
})

test('a failed frame ends the attempt with what the region said', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)
  const refusal = regionFailure('request-refused', { status: 400, message: 'no such thing' })

  call.start().frame('delta', 'Ha').frame('failed', encodeRegionFailure(refusal)).end()

  const expected = failure({
    code: 'model_refused',
    fault: 'request',
    workStarted: 'yes',
    status: 400,
    message: 'no such thing',
  })
  assert.deepEqual(factsOf(await seen.outcome), expected)
  assert.deepEqual(seen.types, ['delta'])
})

const BAD_STREAMS: readonly [situation: string, bytes: Buffer, cause: string][] = [
  ['a frame left out', frameBytes('delta', 3, 'x'), 'out-of-sequence'],
  ['a frame repeated', frameBytes('delta', 1, 'x'), 'out-of-sequence'],
  ['an unknown letter', Buffer.from('\0\0\0\u0005Z\0\0\0\u0002'), 'malformed'],
  ['a frame over the limit', lengthPrefix(FRAME_BYTES_MAX + 1), 'too-large'],
]

function lengthPrefix(length: number): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(length)
  return prefix
}

for (const [situation, bytes, cause] of BAD_STREAMS) {
  test(`${situation} is a lost worker, and the connection is closed`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    const seen = new SeenAttempt(client)
    const call = await ingress.call(1)

    call.start().frame('delta', 'Ha')
    call.response.write(bytes)

    const outcome = await seen.outcome
    assert.deepEqual(outcome, { ...failure({ code: 'upstream_error', workStarted: 'yes' }), cause })
    assert.equal(seen.text, 'Ha')
    await call.closed()
  })
}

const CUTS: readonly [
  moment: string,
  script: (call: ScriptedCall, seen: SeenAttempt) => void | Promise<void>,
  workStarted: 'unknown' | 'yes',
][] = [
  ['before any answer', (call) => call.reset(), 'unknown'],
  [
    'while the work waits in a queue',
    async (call, seen) => {
      call.accept()
      await eventually('the attempt is accepted', () => seen.acceptedTimes === 1)
      call.reset()
    },
    'unknown',
  ],
  [
    'after the headers',
    async (call, seen) => {
      call.start()
      await eventually('the worker is known', () => seen.workerId)
      call.reset()
    },
    'yes',
  ],
  [
    'in the middle of an answer',
    async (call, seen) => {
      call.start().frame('delta', 'Ha')
      await eventually('content is seen', () => seen.text === 'Ha')
      call.reset()
    },
    'yes',
  ],
  ['by a clean end without done', (call) => void call.start().frame('delta', 'Ha').end(), 'yes'],
  [
    'by a clean end within a frame',
    (call) => {
      call.start().response.write(call.frameBytes('delta', 'Hallo').subarray(0, 8))
      call.end()
    },
    'yes',
  ],
  [
    'by an answer that is not in frames',
    (call) => {
      call.response.writeHead(200, { 'content-type': 'text/html' })
      call.response.end('<html>')
    },
    'unknown',
  ],
]

for (const [moment, script, workStarted] of CUTS) {
  test(`work that is cut off ${moment} has started: ${workStarted}`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    const seen = new SeenAttempt(client)

    await script(await ingress.call(1), seen)

    const expected = failure({ code: 'upstream_error', workStarted })
    assert.deepEqual(factsOf(await seen.outcome), expected)
  })
}

test('a refused connection has started nothing', async () => {
  const ingress = await startIngress()
  await ingress.close()
  await using client = clientOf(ingress.origin)

  const outcome = await new SeenAttempt(client).outcome

  const expected = failure({ code: 'no_region_available', workStarted: 'no' })
  assert.deepEqual(factsOf(outcome), expected)
})

const NEVER_CONNECTED: readonly [situation: string, start: () => Promise<FarEnd>][] = [
  ['a black hole that takes no connection', startUnaccepting],
  ['a far end that never ends its TLS handshake', startMute],
]

for (const [situation, start] of NEVER_CONNECTED) {
  test(`${situation} is left at the connect limit, and nothing has started`, async () => {
    await using hole = await start()
    await using client = clientOf(hole.origin, { connectTimeoutMs: 100 })

    const outcome = await new SeenAttempt(client).outcome

    const expected = failure({ code: 'no_region_available', workStarted: 'no' })
    assert.deepEqual(outcome, { ...expected, cause: 'connect limit of 100 ms' })
  })
}

const LONG_BODY = Buffer.alloc(32_000_000, 'x')

test('a region that does not take a long request is left at the send limit', async () => {
  const { cert, key } = certificates.ingress[REGION]
  await using deaf = await startDeaf({ cert, key })
  await using client = clientOf(deaf.origin, { sendTimeoutMs: 200 })

  const outcome = await new SeenAttempt(client, LONG_BODY).outcome

  const expected = failure({ code: 'no_region_available', workStarted: 'no' })
  assert.deepEqual(outcome, { ...expected, cause: 'send limit of 200 ms' })
  deaf.hear()
  await eventually('the connection is closed', () => deaf.sockets.size === 0)
})

test('a long request that makes progress is sent whole, whatever time it takes', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { sendTimeoutMs: 1_000 })
  const sentFromMs = performance.now()
  const seen = new SeenAttempt(client, LONG_BODY)
  const call = await ingress.call(1)

  // The ingress takes a break after each megabyte, as a slow link does: 32 of them last longer than
  // the limit, and no one of them does.
  let bytes = 0
  call.request.on('data', async (chunk: Buffer) => {
    const before = Math.floor(bytes / 1_000_000)
    bytes += chunk.length
    if (Math.floor(bytes / 1_000_000) === before) return
    call.request.pause()
    await setTimeout(60)
    call.request.resume()
  })
  const body = await call.body
  call.start().frame('done').end()

  assert.ok(performance.now() - sentFromMs > 1_500, 'slower than the limit')
  assert.ok(body.equals(LONG_BODY))
  assert.deepEqual(await seen.outcome, { kind: 'answered' })
})

test('a refusal that comes before a long request is written is heard', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client, LONG_BODY)
  const call = await ingress.call(1)

  call.request.pause()
  call.fail(413, '{"code":"too-large"}')

  const expected = failure({ code: 'request_too_large', fault: 'request', workStarted: 'no' })
  assert.deepEqual(factsOf(await seen.outcome), expected)
})

test('a region that has the request and says nothing is left at the accept limit', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { acceptTimeoutMs: 100 })
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)

  const outcome = await seen.outcome

  const expected = failure({ code: 'upstream_error', workStarted: 'unknown' })
  assert.deepEqual(outcome, { ...expected, cause: 'accept limit of 100 ms' })
  await call.closed()
})

test('an interim answer other than 102 accepts nothing', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { acceptTimeoutMs: 100 })
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)

  call.response.writeEarlyHints({ link: '</x>; rel=preload' })

  assert.equal(causeOf(await seen.outcome), 'accept limit of 100 ms')
  assert.equal(seen.acceptedTimes, 0)
})

function causeOf(outcome: AttemptOutcome): unknown {
  return outcome.kind === 'failed' ? outcome.cause : outcome.kind
}

/** Does something every tenth of a limit, until half as much time again as the limit has passed. */
async function repeatBeyond(limitMs: number, act: () => void): Promise<void> {
  const untilMs = performance.now() + 1.5 * limitMs
  while (performance.now() < untilMs) {
    act()
    await setTimeout(limitMs / 10)
  }
}

test('each 102 starts the silence in the queue anew, and only the first one accepts', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { silenceTimeoutMs: 1_000 })
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)

  await repeatBeyond(1_000, () => call.accept())
  assert.equal(seen.result, undefined)

  const outcome = await seen.outcome
  const expected = failure({ code: 'upstream_error', workStarted: 'unknown' })
  assert.deepEqual(outcome, { ...expected, cause: 'queue limit of 1000 ms' })
  assert.equal(seen.acceptedTimes, 1)
  await call.closed()
})

test('work that waits in a queue for too long is left, whatever the 102s say', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { queueTimeoutMs: 300 })
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)

  await repeatBeyond(300, () => {
    if (!call.isClosed) call.accept()
  })

  const expected = failure({ code: 'upstream_error', workStarted: 'unknown' })
  assert.deepEqual(await seen.outcome, { ...expected, cause: 'queue time' })
  await call.closed()
})

test('a worker that has started may take longer than the queue time', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { queueTimeoutMs: 300 })
  const seen = new SeenAttempt(client)
  const call = (await ingress.call(1)).accept().start()

  await repeatBeyond(300, () => call.frame('alive', '{"phase":"prefill"}'))
  call.frame('done').end()

  assert.deepEqual(await seen.outcome, { kind: 'answered' })
})

test('frames start the silence anew; silence before content or in it is a failure', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { silenceTimeoutMs: 1_000 })
  const [unbegun, begun] = [new SeenAttempt(client), new SeenAttempt(client)]
  const calls = [(await ingress.call(1)).start(), (await ingress.call(2)).start()]

  await repeatBeyond(1_000, () => {
    calls[0]?.frame('alive', '{"phase":"loading"}')
    calls[1]?.frame('delta', 'word ')
  })
  const results = [unbegun.result, begun.result]
  const causes = [causeOf(await unbegun.outcome), causeOf(await begun.outcome)]

  assert.deepEqual(results, [undefined, undefined])
  assert.deepEqual(causes, ['start limit of 1000 ms', 'content limit of 1000 ms'])
  const expected = failure({ code: 'upstream_error', workStarted: 'yes' })
  assert.deepEqual(factsOf(await unbegun.outcome), expected)
  assert.deepEqual(factsOf(await begun.outcome), expected)
})

test('a reader that does not keep up stops the region, and loses nothing', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client)
  seen.keepsUp = false
  const call = (await ingress.call(1)).start()
  const payload = Buffer.alloc(500_000, 'x')

  for (let count = 0; count < 100; count++) call.frame('delta', payload)
  call.frame('done').end()
  await eventually('the reader has had enough', () => seen.frames.length > 0)
  // Probes use the same server and loop: ten of them are time enough for bytes that could move.
  for (let count = 0; count < 10; count++) await roundTrip(client)
  const stoppedAt = seen.frames.length

  assert.ok(stoppedAt < 5, `${stoppedAt} frames were read`)
  assert.ok(!call.response.writableFinished)
  seen.keepsUp = true
  seen.attempt.resume()
  assert.deepEqual(await seen.outcome, { kind: 'answered' })
  assert.equal(seen.frames.length, 101)
})

test('a pause of the reader is not silence of the region, but silence after it is', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { silenceTimeoutMs: 300 })
  const [paused, silent] = [new SeenAttempt(client), new SeenAttempt(client)]
  paused.keepsUp = false
  for (const number of [1, 2]) (await ingress.call(number)).start().frame('delta', 'Ha')
  await eventually('the reader has had enough', () => paused.text === 'Ha')

  await silent.outcome
  assert.equal(paused.result, undefined)
  paused.attempt.resume()

  assert.equal(causeOf(await paused.outcome), 'content limit of 300 ms')
})

test('an answer that ends while its reader is paused is whole, its connection free', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const first = new SeenAttempt(client)
  first.keepsUp = false
  const call = (await ingress.call(1)).start()

  call.response.write(Buffer.concat([call.frameBytes('delta', 'Ha'), call.frameBytes('done')]))
  assert.deepEqual(await first.outcome, { kind: 'answered' })
  call.end()
  await eventually('the answer has ended', () => call.response.writableFinished)
  await roundTrip(client)
  const second = new SeenAttempt(client)
  ;(await ingress.call(2)).start().frame('done').end()

  assert.deepEqual(await second.outcome, { kind: 'answered' })
  assert.equal(connectionsOf(ingress.calls), 1)
})

test('an answer that does not end behind its last frame is cut off', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { silenceTimeoutMs: 100 })
  const seen = new SeenAttempt(client)
  const call = (await ingress.call(1)).start().frame('done')

  assert.deepEqual(await seen.outcome, { kind: 'answered' })
  await call.closed()
})

const STEPS: readonly [phase: string, script: (call: ScriptedCall) => void][] = [
  ['acceptance', () => undefined],
  ['the queue', (call) => call.accept()],
  ['the start', (call) => call.start()],
  ['content', (call) => call.start().frame('delta', 'Ha')],
]

for (const [phase, script] of STEPS) {
  test(`an attempt given up while it waits for ${phase} closes its connection`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    const seen = new SeenAttempt(client)
    const call = await ingress.call(1)
    script(call)

    seen.attempt.abort(GIVEN_UP)
    seen.attempt.abort({ ...GIVEN_UP, code: 'deadline_exceeded' })

    assert.deepEqual(await seen.outcome, GIVEN_UP)
    await call.closed()
  })
}

test('an attempt that is stopped has been answered, and its connection is closed', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client)
  const call = (await ingress.call(1)).start().frame('delta', 'enough')
  await eventually('content is seen', () => seen.text === 'enough')

  seen.attempt.stop()
  seen.attempt.stop()
  seen.attempt.abort(GIVEN_UP)

  assert.deepEqual(await seen.outcome, { kind: 'answered' })
  await call.closed()
})

test('an attempt given up while its request is written closes its connection', async () => {
  const { cert, key } = certificates.ingress[REGION]
  await using deaf = await startDeaf({ cert, key })
  await using client = clientOf(deaf.origin)
  const seen = new SeenAttempt(client, LONG_BODY)
  await eventually('the connection is up', () => deaf.secured.size === 1)

  seen.attempt.abort(GIVEN_UP)
  deaf.hear()

  assert.deepEqual(await seen.outcome, GIVEN_UP)
  deaf.hear()
  await eventually('the connection is closed', () => deaf.sockets.size === 0)
})

test('an attempt given up before it is connected sends nothing; the connection stays', async () => {
  await using ingress = await startIngress()
  await using relay = await startRelay(ingress.port)
  await using client = clientOf(relay.origin)
  const givenUp = new SeenAttempt(client)
  await eventually('a connection is on its way', () => relay.sockets.size === 1)

  givenUp.attempt.abort(GIVEN_UP)
  assert.deepEqual(await givenUp.outcome, GIVEN_UP)
  relay.release()
  await eventually('the connection is up', () => ingress.openConnections === 1)
  const next = new SeenAttempt(client)
  ;(await ingress.call(1)).start().frame('done').end()

  assert.deepEqual(await next.outcome, { kind: 'answered' })
  assert.equal(ingress.calls.length, 1)
})

const ERROR_ANSWERS: readonly [
  situation: string,
  status: number,
  body: string,
  facts: Partial<AttemptFailure>,
][] = [
  [
    'a full queue',
    503,
    encodeRegionFailure(regionFailure('overflow')),
    { code: 'overloaded', workStarted: 'no' },
  ],
  [
    'a code that this build does not know',
    503,
    '{"code":"tired","workStarted":"no","fault":"region"}',
    { code: 'upstream_error', workStarted: 'no' },
  ],
  ['a proxy that speaks HTML', 502, '<html>', { code: 'upstream_error', workStarted: 'unknown' }],
  ['no body', 504, '', { code: 'upstream_error', workStarted: 'unknown' }],
  [
    'a body over 16 KiB',
    503,
    `{"code":"overflow","pad":"${'x'.repeat(20_000)}"}`,
    { code: 'upstream_error', workStarted: 'unknown' },
  ],
  ['a redirect', 302, '', { code: 'upstream_error', workStarted: 'unknown' }],
]

for (const [situation, status, body, facts] of ERROR_ANSWERS) {
  const meaning = `${facts.code}, started: ${facts.workStarted}`
  test(`an error answer of ${situation} is ${meaning}`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    const seen = new SeenAttempt(client)
    const call = await ingress.call(1)

    call.fail(status, body)

    assert.deepEqual(factsOf(await seen.outcome), failure(facts))
  })
}

type Ending = (call: ScriptedCall, seen: SeenAttempt) => unknown

const PROXY = '<html>Bad Gateway</html>'
const EVIDENCE: readonly [situation: string, end: Ending, evidence: Evidence | undefined][] = [
  ['is answered', (call) => call.start().frame('done').end(), 'reached'],
  ['is refused for its queue', (call) => call.fail(503, '{"code":"overflow"}'), 'reached'],
  ['is refused by its lane', (call) => call.fail(503, '{"code":"not-accepting"}'), 'not-accepting'],
  ['loses its worker', (call) => call.start().frame('failed', '{"code":"worker-lost"}'), 'reached'],
  ['is answered by a proxy', (call) => call.fail(502, PROXY), 'infrastructure'],
  ['is cut', (call) => call.reset(), 'connection'],
  ['is cut while it is answered', (call) => call.start().reset(), 'connection'],
  ['ends without its last frame', (call) => call.start().frame('delta').end(), 'connection'],
  ['misses a frame', (call) => call.start().skipTo(3).frame('delta'), 'infrastructure'],
  ['falls silent', (call) => call.accept(), 'infrastructure'],
  ['falls silent while it is answered', (call) => call.start(), 'infrastructure'],
  ['is stopped when it has enough', (_call, seen) => seen.attempt.stop(), 'reached'],
  ['is given up', (_call, seen) => seen.attempt.abort(GIVEN_UP), undefined],
]

for (const [situation, end, evidence] of EVIDENCE) {
  test(`an attempt that ${situation} says of its region: ${evidence ?? 'nothing'}`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin, { silenceTimeoutMs: 300 })
    const seen = new SeenAttempt(client)
    const call = await ingress.call(1)

    end(call, seen)
    await seen.outcome

    assert.equal(seen.attempt.evidence, evidence)
  })
}

test('work that waits for too long says of its region that it was reached', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { queueTimeoutMs: 100 })
  const seen = new SeenAttempt(client)

  ;(await ingress.call(1)).accept()
  await seen.outcome

  assert.equal(seen.attempt.evidence, 'reached')
})

test('a region that cannot be connected to has a connection against it', async () => {
  const gone = await startIngress()
  await gone.close()
  await using client = clientOf(gone.origin)
  const seen = new SeenAttempt(client)

  await seen.outcome

  assert.equal(seen.attempt.evidence, 'connection')
})

test('an error answer that drips is left at the silence limit', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { silenceTimeoutMs: 300 })
  const seen = new SeenAttempt(client)
  const call = await ingress.call(1)

  call.response.writeHead(503)
  await repeatBeyond(300, () => call.response.write(' '))

  assert.equal(causeOf(await seen.outcome), 'accept limit of 300 ms')
  await call.closed()
})

test('ended attempts leave no timer behind', async () => {
  await using ingress = await startIngress()
  const client = clientOf(ingress.origin)
  const [answered, lost, givenUp] = [1, 2, 3].map(() => new SeenAttempt(client))
  ;(await ingress.call(1)).accept().start().frame('done').end()
  ;(await ingress.call(2)).accept().reset()
  await ingress.call(3)

  givenUp?.attempt.abort(GIVEN_UP)
  await Promise.all([answered?.outcome, lost?.outcome, givenUp?.outcome])
  await client.close()

  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
  assert.deepEqual(timers, [])
})
