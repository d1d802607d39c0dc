// Goal: only gateways are served, and whatever else knocks gets an answer that says what it is.
// Method: a real listener with certificates of every kind; what stands behind it is scripted.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlainly } from 'node:net'
import { after, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { decodeRegionFailure } from '#wire/error-codes.ts'
import { type Leaf, makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { callRegion, type RegionCaller } from '../../test/support/region-caller.ts'
import { type Listener, startListener } from './listener.ts'

const certificates = await makeCertificates({ regions: ['eu-central'] })
after(() => certificates[Symbol.asyncDispose]())
const { ca, gateway, ingress, bad } = certificates

interface Bench extends AsyncDisposable {
  readonly listener: Listener
  /** Connections that came to nothing, by reason. */
  readonly refused: string[]
  /** How many pieces of work came through. */
  readonly works: () => number
  call(leaf?: Leaf): RegionCaller
  /** A bare TLS connection with a gateway's certificate. */
  socket(): Promise<TLSSocket>
}

async function openBench(connectionsMax = 100): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const refused: string[] = []
  let works = 0
  const listener = await startListener({
    host: '127.0.0.1',
    port: 0,
    tls: { ca: ca.cert, ...ingress['eu-central'] },
    trustDomain: certificates.trustDomain,
    connectionsMax,
    work: (_request, response) => {
      works += 1
      response.end('work')
    },
    health: (nonce) => `{"nonce":"${nonce}"}`,
    models: () => '{"models":[]}',
    peerRefused: (why) => refused.push(why),
  })
  opened.defer(() => listener.close())
  const url = new URL(listener.url)
  const all = opened.move()
  return {
    listener,
    refused,
    works: () => works,
    call: (leaf) => all.use(callRegion({ url: listener.url, ca: ca.cert, ...leaf })),
    async socket() {
      const socket = connect({
        host: url.hostname,
        port: Number(url.port),
        ca: ca.cert,
        cert: gateway.cert,
        key: gateway.key,
        checkServerIdentity: () => undefined,
      })
      all.defer(() => void socket.destroy())
      await once(socket, 'secureConnect')
      return socket
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

test('a gateway is served over TLS 1.3, many requests on one connection', async () => {
  await using bench = await openBench()
  using caller = bench.call(gateway)

  const health = await caller.send('GET', '/health?nonce=0123abcd')
  const models = await caller.send('GET', '/models')
  const work = await caller.send('POST', '/work')
  const socket = await bench.socket()

  assert.deepEqual([health.status, health.text], [200, '{"nonce":"0123abcd"}'])
  assert.deepEqual([models.status, models.text], [200, '{"models":[]}'])
  assert.equal(work.text, 'work')
  assert.equal(bench.listener.connections, 2)
  assert.equal(socket.getProtocol(), 'TLSv1.3')
  assert.equal(socket.alpnProtocol, false) // Nothing was asked for; HTTP/1.1 is all there is.
})

for (const [method, path] of [
  ['GET', '/work'],
  ['POST', '/health?nonce=0123abcd'],
  ['GET', '/health'],
  ['GET', '/health?nonce=nothex!!'],
  ['GET', '/health?nonce=0123'],
  ['POST', '/models'],
  ['GET', '/'],
  ['GET', '/work/'],
  ['OPTIONS', '/work'],
] as const) {
  test(`${method} ${path} is no call of a region`, async () => {
    await using bench = await openBench()
    using caller = bench.call(gateway)

    const { status, text } = await caller.send(method, path)

    assert.equal(status, 400)
    assert.equal(decodeRegionFailure(text).code, 'bad-call')
    assert.equal(bench.works(), 0)
  })
}

for (const [kind, leaf] of [
  ['names another role', bad.wrongRole],
  ['is of another trust domain', bad.wrongTrustDomain],
  ['has two names', bad.twoUris],
  ['has no name of ours', bad.noUri],
  ['is that of an ingress', ingress['eu-central']],
] as const) {
  test(`a peer whose certificate ${kind} is told so and its connection is closed`, async () => {
    await using bench = await openBench()
    using caller = bench.call(leaf)

    const { status, headers, text } = await caller.send('GET', '/health?nonce=0123abcd')

    assert.equal(status, 403)
    assert.equal(decodeRegionFailure(text).code, 'forbidden-peer')
    assert.equal(headers.connection, 'close')
    assert.deepEqual(bench.refused, ['identity'])
    await eventually('the connection is closed', () => bench.listener.connections === 0)
  })
}

for (const [kind, leaf] of [
  ['is signed by somebody else', bad.wrongCa],
  ['has expired', bad.expired],
  ['is not yet valid', bad.notYetValid],
  ['is not there', undefined],
] as const) {
  test(`a peer whose certificate ${kind} does not get through its handshake`, async () => {
    await using bench = await openBench()
    using caller = bench.call(leaf)

    await assert.rejects(caller.send('POST', '/work'))

    assert.equal(bench.works(), 0)
    assert.deepEqual(bench.refused, ['handshake'])
  })
}

test('a peer that speaks no TLS is not heard', async () => {
  await using bench = await openBench()
  const socket = connectPlainly(Number(new URL(bench.listener.url).port), '127.0.0.1')
  socket.write('POST /work HTTP/1.1\r\nhost: x\r\n\r\n')

  await once(socket.resume(), 'close')

  assert.equal(bench.works(), 0)
  assert.deepEqual(bench.refused, ['handshake'])
})

for (const [kind, head, status] of [
  ['without a host', 'POST /work HTTP/1.1\r\n\r\n', 400],
  ['over 16 KiB', `POST /work HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`, 431],
  [
    'with two lengths',
    'POST /work HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    400,
  ],
  ['that is none', 'hello\r\n\r\n', 400],
] as const) {
  test(`a head ${kind} is refused`, async () => {
    await using bench = await openBench()
    const socket = await bench.socket()

    socket.write(head)
    const [answer] = (await once(socket, 'data')) as [Buffer]

    assert.match(answer.toString(), new RegExp(`^HTTP/1.1 ${status} `))
    assert.equal(bench.works(), 0)
  })
}

test('a connection over the limit is closed', async () => {
  await using bench = await openBench(1)
  await bench.socket()

  await assert.rejects(bench.socket())
})

test('a listener that is closed cuts what is open, also when it is closed twice', async () => {
  await using bench = await openBench()
  const socket = await bench.socket()
  const cut = once(socket.resume(), 'close')

  await bench.listener.close()
  await bench.listener.close()

  await cut
  await assert.rejects(bench.socket())
})
