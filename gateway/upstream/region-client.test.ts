// Goal: a gateway believes a region only what the region itself says now, and a region that is not
// what it should be gets no request.
// Method: a real ingress over mutual TLS that answers probes as the test says.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { REPORT_BYTES_MAX } from '#wire/load-report.ts'
import { startMute } from '../../test/support/black-holes.ts'
import { type Leaf, makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type ScriptedIngress, startScriptedIngress } from '../../test/support/scripted-ingress.ts'
import { factsOf, failure, SeenAttempt, UNLIMITED } from '../../test/support/seen-attempt.ts'
import { type ProbeOutcome, RegionClient, type RegionClientOptions } from './region-client.ts'

const REGION = 'eu-central'
const certificates = await makeCertificates({ regions: [REGION, 'us-east'] })
after(() => certificates[Symbol.asyncDispose]())

function startIngress(leaf: Leaf = certificates.ingress[REGION], port = 0) {
  const { cert, key } = leaf
  return startScriptedIngress({
    region: REGION,
    tls: { ca: certificates.ca.cert, cert, key },
    port,
  })
}

function clientOf(origin: string, more: Partial<RegionClientOptions> = {}): RegionClient {
  const { cert, key } = certificates.gateway
  return new RegionClient({
    regionId: REGION,
    origin,
    tls: { ca: certificates.ca.cert, cert, key },
    trustDomain: certificates.trustDomain,
    connectionsMax: 16,
    phaseLimits: UNLIMITED,
    ...more,
  })
}

function probe(
  client: RegionClient,
  timeoutMs = 20_000,
  connection: 'warm' | 'new' = 'warm',
): Promise<ProbeOutcome> {
  return client.probe({ timeoutMs, connection, nowMs: () => performance.now() })
}

test('a good probe brings the report and the time of its round trip', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  let nowMs = 100

  const outcome = await client.probe({
    timeoutMs: 20_000,
    connection: 'warm',
    nowMs: () => {
      nowMs += 7
      return nowMs
    },
  })

  assert.ok(outcome.kind === 'passed')
  assert.equal(outcome.report.region, REGION)
  assert.equal(outcome.rttMs, 7)
})

test('each probe has a nonce of its own and says which wire is spoken', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const asked: string[] = []
  const wires = new Set<string | undefined>()
  ingress.health = (nonce, response) => {
    asked.push(nonce)
    wires.add(response.req.headers['meridian-wire']?.toString())
    response.end(ingress.report(nonce))
  }

  await probe(client)
  await probe(client)

  assert.equal(new Set(asked).size, 2)
  assert.deepEqual([...wires], ['1-1'])
})

test('probes share one connection, which is not the one of work', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const seen = new SeenAttempt(client)
  await ingress.call(1)

  for (let count = 0; count < 20; count++) {
    assert.equal((await probe(client)).kind, 'passed')
    await new Promise(setImmediate) // The connection is free for the next one.
  }

  assert.equal(ingress.probes, 20)
  assert.equal(ingress.connections, 2)
  assert.equal(seen.result, undefined)
})

test('a probe on a new connection has one of its own, which is closed behind it', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)

  const outcomes = [await probe(client), await probe(client, 20_000, 'new')]

  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['passed', 'passed'],
  )
  assert.equal(ingress.connections, 2)
  await eventually('one connection is left', () => ingress.openConnections === 1)
})

test('a probe does not wait for one that is not answered', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const goodAnswer = ingress.health
  ingress.health = () => undefined
  const stuck = probe(client)
  await eventually('the first is on its way', () => ingress.probes === 1)

  ingress.health = goodAnswer
  const second = await probe(client)
  await client.close()

  assert.equal(second.kind, 'passed')
  assert.equal((await stuck).kind, 'failed')
})

type Answer = (ingress: ScriptedIngress, nonce: string, response: ServerResponse) => void

const BAD_REPORTS: readonly [situation: string, answer: Answer, reason: RegExp][] = [
  [
    'an old report',
    (ingress, _nonce, response) => response.end(ingress.report('00000000')),
    /^report: nonce$/,
  ],
  [
    'a report of another region',
    (ingress, nonce, response) => response.end(ingress.report(nonce, { region: 'us-east' })),
    /^report: region$/,
  ],
  [
    'a report with a field that is out of bounds',
    (ingress, nonce, response) => response.end(ingress.report(nonce, { eventLoopDelayMs: -1 })),
    /^report: eventLoopDelayMs$/,
  ],
  ['no JSON', (_ingress, _nonce, response) => response.end('<html>'), /^report: \(not JSON\)$/],
  ['an empty answer', (_ingress, _nonce, response) => response.end(), /^report: \(not JSON\)$/],
  [
    'a report over 64 KiB',
    (_ingress, _nonce, response) => response.end(' '.repeat(REPORT_BYTES_MAX + 1)),
    /^answer over 65536 bytes$/,
  ],
  [
    'a status other than 200',
    (ingress, nonce, response) => {
      response.statusCode = 503
      response.end(ingress.report(nonce))
    },
    /^status 503$/,
  ],
  [
    'a connection that is cut',
    (_ingress, _nonce, response) => response.destroy(),
    /closed|hang up|ECONNRESET/,
  ],
]

for (const [situation, answer, reason] of BAD_REPORTS) {
  test(`${situation} is a failed probe, and the next one passes`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    const goodAnswer = ingress.health

    ingress.health = (nonce, response) => answer(ingress, nonce, response)
    const bad = await probe(client)
    ingress.health = goodAnswer

    assert.ok(bad.kind === 'failed')
    assert.match(bad.reason, reason)
    assert.equal((await probe(client)).kind, 'passed')
  })
}

const SLOW: readonly [situation: string, answer: Answer][] = [
  ['an ingress that does not answer', () => undefined],
  ['an ingress that stops within its answer', (_ingress, _nonce, response) => response.write('{')],
]

for (const [situation, answer] of SLOW) {
  test(`${situation} is a failed probe after its time, and the next one passes`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    const goodAnswer = ingress.health

    ingress.health = (nonce, response) => answer(ingress, nonce, response)
    const slow = await probe(client, 200)
    ingress.health = goodAnswer

    assert.deepEqual(slow, {
      kind: 'failed',
      reason: 'no answer in 200 ms',
    })
    assert.equal((await probe(client)).kind, 'passed')
  })
}

test('a far end that never ends its TLS handshake fails the probe in time', async () => {
  await using mute = await startMute()
  await using client = clientOf(mute.origin)

  const outcome = await probe(client, 200)

  assert.equal(outcome.kind, 'failed')
  await eventually('the connection is given up, too', () => mute.sockets.size === 0)
})

test('a refused connection says so, also where a name has several addresses', async () => {
  const ingress = await startIngress()
  await ingress.close()
  await using byAddress = clientOf(ingress.origin)
  await using byName = clientOf(`https://localhost:${ingress.port}`)

  for (const client of [byAddress, byName]) {
    const outcome = await probe(client)
    assert.ok(outcome.kind === 'failed')
    assert.match(outcome.reason, /ECONNREFUSED/)
  }
})

test('probes and work find an ingress again that was started anew', async () => {
  const first = await startIngress()
  await using client = clientOf(first.origin)
  assert.equal((await probe(client)).kind, 'passed')
  await first.close()
  await using second = await startIngress(certificates.ingress[REGION], first.port)

  await probe(client) // Fails when it is written before the end of the kept connection is seen.
  const outcome = await probe(client)
  const seen = new SeenAttempt(client)
  ;(await second.call(1)).start().frame('done').end()

  assert.equal(outcome.kind, 'passed')
  assert.deepEqual(await seen.outcome, { kind: 'answered' })
})

const { bad } = certificates
const STRANGERS: readonly [who: string, leaf: Leaf][] = [
  ['somebody with a certificate of another authority', bad.wrongCa],
  ['a worker of the region', certificates.worker[REGION]],
  ['a gateway', certificates.gateway],
  ['the ingress of another region', certificates.ingress['us-east']],
  ['an ingress of another trust domain', bad.wrongTrustDomain],
  ['somebody with two names', bad.twoUris],
  ['somebody without a name', bad.noUri],
  ['somebody whose certificate has expired', bad.expired],
  ['somebody whose certificate is not valid yet', bad.notYetValid],
]

for (const [who, leaf] of STRANGERS) {
  test(`${who} in the place of the ingress gets no request`, async () => {
    await using stranger = await startIngress(leaf)
    await using client = clientOf(stranger.origin)

    const probed = await probe(client)
    const outcome = await new SeenAttempt(client).outcome

    assert.equal(probed.kind, 'failed')
    const expected = failure({ code: 'no_region_available', workStarted: 'no' })
    assert.deepEqual(factsOf(outcome), expected)
    assert.deepEqual([stranger.probes, stranger.calls.length], [0, 0])
  })
}

test('a gateway whose certificate the region does not believe gets no answer', async () => {
  await using ingress = await startIngress()
  const { cert, key } = bad.wrongCa
  const tls = { ca: certificates.ca.cert, cert, key }
  await using client = clientOf(ingress.origin, { tls })

  const probed = await probe(client)
  const outcome = await new SeenAttempt(client).outcome

  assert.deepEqual([probed.kind, outcome.kind], ['failed', 'failed'])
  assert.deepEqual([ingress.probes, ingress.calls.length], [0, 0])
})

test('the peer is looked at on each connection, so a session is never resumed', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  const first = new SeenAttempt(client)
  const calls = [(await ingress.call(1)).start()]
  await eventually('what could be resumed has arrived', () => first.workerId)

  const second = new SeenAttempt(client)
  calls.push((await ingress.call(2)).start())
  await eventually('the second has started, too', () => second.workerId)

  const sockets = calls.map(({ request }) => request.socket as TLSSocket)
  assert.deepEqual(
    sockets.map((socket) => socket.isSessionReused()),
    [false, false],
  )
  assert.equal(ingress.connections, 2)
})

test('work beyond the most connections waits for one of them', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin, { connectionsMax: 1 })
  const [first, second] = [new SeenAttempt(client), new SeenAttempt(client)]

  ;(await ingress.call(1)).start().frame('done').end()
  ;(await ingress.call(2)).start().frame('done').end()

  assert.deepEqual(await first.outcome, { kind: 'answered' })
  assert.deepEqual(await second.outcome, { kind: 'answered' })
  assert.equal(ingress.connections, 1)
})

test('the models of a region are the entries of its list', async () => {
  await using ingress = await startIngress()
  await using client = clientOf(ingress.origin)
  ingress.models = '{"models":[{"name":"qwen3"},null,7,{"name":"smollm2:135m"}]}'

  assert.deepEqual(await client.fetchModels(20_000), [{ name: 'qwen3' }, { name: 'smollm2:135m' }])
})

for (const models of ['', '[]', 'null', '{"models":{}}', '{"models":"qwen3"}']) {
  test(`a list of models that is ${models || 'empty'} is refused`, async () => {
    await using ingress = await startIngress()
    await using client = clientOf(ingress.origin)
    ingress.models = models

    await assert.rejects(client.fetchModels(20_000))
  })
}

test('closing ends what runs, and may be done twice', async () => {
  await using ingress = await startIngress()
  const client = clientOf(ingress.origin)
  const running = new SeenAttempt(client)
  const call = (await ingress.call(1)).start()
  await eventually('the worker is known', () => running.workerId)
  const probing = probe(client)

  await client.close()
  await client.close()

  const lost = failure({ code: 'upstream_error', workStarted: 'yes' })
  assert.deepEqual(factsOf(await running.outcome), lost)
  assert.equal((await probing).kind, 'failed')
  await call.closed()
})

test('closing ends connections that are on their way', async () => {
  await using mute = await startMute()
  const client = clientOf(mute.origin)
  const seen = new SeenAttempt(client)
  const probing = probe(client)
  await eventually('both are on their way', () => mute.sockets.size === 2)

  await client.close()

  assert.equal((await seen.outcome).kind, 'failed')
  assert.equal((await probing).kind, 'failed')
})

test('a closed client fails work and probes at once', async () => {
  await using ingress = await startIngress()
  const client = clientOf(ingress.origin)
  await client.close()

  const outcome = await new SeenAttempt(client).outcome

  const expected = failure({ code: 'no_region_available', workStarted: 'no' })
  assert.deepEqual(factsOf(outcome), expected)
  assert.equal((await probe(client)).kind, 'failed')
  assert.equal(ingress.connections, 0)
})
