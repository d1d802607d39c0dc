// Goal: a request reaches a route only when every reader of it would read the same; everything else
// is answered in the client's dialect, with an id, and leaves one record.
// Method: raw sockets that send what no client library would, and real clients for the rest. The
// rows are those of security.md, section 1.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { after, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import {
  http2Cancel,
  http2Data,
  http2Head,
  http2Preface,
  openPlain,
  openTls,
  type RawConnection,
  statusesOf,
} from '../../test/support/raw-http.ts'
import type { RequestContext } from '../request-context.ts'
import {
  addMethodNotAllowed,
  createListener,
  type Listener,
  type ListenerOptions,
} from './listener.ts'

const certificates = await makeCertificates({ regions: ['eu-central'] })
after(() => certificates[Symbol.asyncDispose]())

type Transport = 'plain' | 'TLS'
const TRANSPORTS: readonly Transport[] = ['plain', 'TLS']

interface Opened extends AsyncDisposable {
  readonly listener: Listener
  readonly port: number
  /** The bodies that reached a route, in turn. */
  readonly handled: string[]
  /** The records of the requests that ended here. */
  readonly ended: RequestContext[]
  /** How many records were opened. */
  readonly begun: number
  /** Lets the answers of `/v1/wait` go. */
  release(): void
  /** Opens a raw connection for HTTP/1.1. */
  connect(): Promise<RawConnection>
}

const LIMITS = {
  bodyBytesMax: 1_000,
  connectionsMax: 100,
  headersTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
}

/** Starts a listener with a few routes that show what reached them. */
async function open(transport: Transport, limits: Partial<ListenerOptions> = {}): Promise<Opened> {
  const { cert, key } = certificates.publicLocalhost
  const handled: string[] = []
  const ended: RequestContext[] = []
  let begun = 0
  let ids = 0
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const listener = createListener({
    ...LIMITS,
    tls: transport === 'TLS' ? { cert, key } : undefined,
    newRequestId: () => {
      ids += 1
      return `req_test_${ids}`
    },
    clientAddressOf: (peer, forwardedFor) => forwardedFor ?? peer,
    nowMs: () => performance.now(),
    random: () => 0,
    onBegin: () => {
      begun += 1
    },
    onEnd: (context) => ended.push(context),
    ...limits,
  })
  const { app } = listener
  for (const path of ['/api/chat', '/v1/echo']) {
    app.post(path, ({ body }) => {
      const text = Buffer.isBuffer(body) ? body.toString() : ''
      handled.push(text)
      return `<${text}>`
    })
    addMethodNotAllowed(app, path, ['POST'])
  }
  app.get('/v1/models/:id', () => {
    handled.push('model')
    return 'a model'
  })
  app.get('/v1/bug', () => {
    throw new TypeError('a secret of ours')
  })
  app.get('/v1/wait', async () => {
    handled.push('wait')
    await released
    return 'waited for'
  })
  app.get('/v1/stream', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'x-request-id': request.meridian.requestId })
    reply.raw.write('begun ')
    released.then(() => reply.raw.end('ended'))
  })
  const port = await listener.listen('127.0.0.1', 0)
  return {
    listener,
    port,
    handled,
    ended,
    get begun() {
      return begun
    },
    release,
    connect: () => (transport === 'TLS' ? openTls(port, 'http/1.1') : openPlain(port)),
    [Symbol.asyncDispose]: () => listener.cut(),
  }
}

/** A request that a route would handle, sent behind one that is refused: it must not be. */
const SMUGGLED = 'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nsmuggled'

const UNREADABLE: readonly [situation: string, status: number, bytes: string][] = [
  [
    'a length beside chunks',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n' +
      'transfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'two equal lengths',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi',
  ],
  [
    'two lengths',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi',
  ],
  [
    'a list of lengths',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 2, 2\r\n\r\nhi',
  ],
  [
    'a length with a sign',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: +2\r\n\r\nhi',
  ],
  [
    'a coding behind the chunks',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  ],
  [
    'a coding that looks like chunks',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'the coding given twice',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n' +
      'transfer-encoding: identity\r\n\r\n0\r\n\r\n',
  ],
  ['a folded line', 400, 'GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n'],
  ['a space before the colon', 400, 'GET / HTTP/1.1\r\nhost : a\r\n\r\n'],
  ['a bare LF as line end', 400, 'GET / HTTP/1.1\nhost: a\n\n'],
  [
    'a bare LF as chunk end',
    400,
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n',
  ],
  ['a NUL', 400, 'GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n'],
  ['a bad character in a name', 400, 'GET / HTTP/1.1\r\nhost: a\r\nx(y): 1\r\n\r\n'],
  ['a name that begins with a colon', 400, 'GET / HTTP/1.1\r\nhost: a\r\n:authority: b\r\n\r\n'],
  ['HTTP/1.2', 400, 'GET / HTTP/1.2\r\nhost: a\r\n\r\n'],
  ['the preface of HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a method that nobody registered', 400, 'FOO / HTTP/1.1\r\nhost: a\r\n\r\n'],
  ['no HTTP at all', 400, 'EHLO mail.example\r\n\r\n'],
  ['a head over 16 KiB', 431, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`],
]

const AMBIGUOUS: readonly [situation: string, bytes: string][] = [
  ['HTTP/0.9', 'GET /\r\n\r\n'],
  ['HTTP/0.9 with headers and a body', 'POST /api/chat\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\nhost: a\r\n\r\n'],
  ['HTTP/1.0 without a host', 'GET / HTTP/1.0\r\n\r\n'],
  [
    'HTTP/1.0 with chunks',
    'POST /api/chat HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['HTTP/2.0 in a request line', 'GET / HTTP/2.0\r\nhost: a\r\n\r\n'],
  ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n'],
  ['the same host twice', 'GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n'],
  ['a list of hosts', 'GET / HTTP/1.1\r\nhost: a, b\r\n\r\n'],
  ['an empty host', 'GET / HTTP/1.1\r\nhost:\r\n\r\n'],
  ['the target of another authority', 'GET http://other/api/tags HTTP/1.1\r\nhost: a\r\n\r\n'],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n'],
  [
    'compression inside the chunks',
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  ],
  ['an underscore in a name', 'GET / HTTP/1.1\r\nhost: a\r\ncontent_length: 2\r\n\r\n'],
  ['TRACE', 'TRACE /api/chat HTTP/1.1\r\nhost: a\r\n\r\n'],
  ['an upgrade', 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
]

for (const transport of TRANSPORTS) {
  for (const [situation, status, bytes] of UNREADABLE) {
    test(`${transport}: ${situation} is refused, and so is what follows`, async () => {
      await using opened = await open(transport)
      await using connection = await opened.connect()

      connection.send(bytes + SMUGGLED)
      const text = await connection.closed()

      assert.deepEqual(statusesOf(text), [status])
      assert.match(text, /\r\nx-request-id: req_test_1\r\n/)
      assert.match(text, /\r\nconnection: close\r\n/)
      assert.match(text, /"?error"?:/)
      assert.deepEqual(opened.handled, [])
      assert.deepEqual([opened.begun, opened.ended.map((context) => context.status)], [1, [status]])
    })
  }

  for (const [situation, bytes] of AMBIGUOUS) {
    test(`${transport}: ${situation} is refused, and so is what follows`, async () => {
      await using opened = await open(transport)
      await using connection = await opened.connect()

      connection.send(bytes + SMUGGLED)
      const text = await connection.closed()

      assert.equal(statusesOf(text)[0], 400)
      assert.match(text, /\r\nx-request-id: req_test_1\r\n/)
      assert.match(text, /"error":(?:\{"message":)?"Refused: /)
      assert.deepEqual(opened.handled, [])
      assert.ok(opened.ended.every(({ errorCode }) => errorCode === 'ambiguous_request'))
      assert.equal(opened.begun, opened.ended.length)
    })
  }

  test(`${transport}: CONNECT gets no tunnel`, async () => {
    await using opened = await open(transport)
    await using connection = await opened.connect()

    connection.send(`CONNECT other:443 HTTP/1.1\r\nhost: other:443\r\n\r\n${SMUGGLED}`)
    const text = await connection.closed()

    assert.ok(statusesOf(text).every((status) => status === 400))
    assert.deepEqual(opened.handled, [])
  })

  test(`${transport}: HTTP/1.1 without a host is refused`, async () => {
    await using opened = await open(transport)
    await using connection = await opened.connect()

    connection.send('GET / HTTP/1.1\r\n\r\n')
    const text = await connection.closed()

    assert.deepEqual(statusesOf(text), [400])
  })
}

const SINGLE_READING: readonly [situation: string, bytes: string, handled: string[]][] = [
  [
    'a body with a length',
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi',
    ['hi'],
  ],
  [
    'a body in chunks',
    'POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n' +
      '1\r\ni\r\n0\r\n\r\n',
    ['hi'],
  ],
  [
    'chunks with extensions and a trailer',
    'POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\n' +
      'hi\r\n0\r\nhost: b\r\n\r\n',
    ['hi'],
  ],
  [
    'a GET with a body, which is not read',
    'GET /v1/models/m HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi',
    ['model'],
  ],
  [
    'a target in absolute form',
    'POST http://a/api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi',
    ['hi'],
  ],
  [
    'a body that is encoded as it is',
    'POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-encoding: Identity\r\n' +
      'content-length: 2\r\n\r\nhi',
    ['hi'],
  ],
  [
    'an expectation that nobody knows',
    'POST /api/chat HTTP/1.1\r\nhost: a\r\nexpect: tea\r\ncontent-length: 2\r\n\r\nhi',
    ['hi'],
  ],
  [
    'a body of the most bytes',
    `POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n${'x'.repeat(1_000)}`,
    ['x'.repeat(1_000)],
  ],
]

for (const transport of TRANSPORTS) {
  for (const [situation, bytes, handled] of SINGLE_READING) {
    test(`${transport}: ${situation} reaches its route, and so does the next request`, async () => {
      await using opened = await open(transport)
      await using connection = await opened.connect()

      connection.send(`${bytes}POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nnext`)
      const text = await connection.received(/<next>/)

      assert.deepEqual(statusesOf(text), [200, 200])
      assert.deepEqual(text.match(/x-request-id: req_test_\d/g), [
        'x-request-id: req_test_1',
        'x-request-id: req_test_2',
      ])
      assert.deepEqual(opened.handled, [...handled, 'next'])
      assert.equal(connection.isClosed, false)
    })
  }
}

test('a client that wants to be told to go on is told so', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send(
    'POST /api/chat HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n',
  )
  await connection.received(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  connection.send('hi')

  await connection.received(/<hi>/)
})

const CONTENT_TYPES = [
  undefined,
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain; charset=utf-16',
  'multipart/form-data',
  'json',
  '',
  ';;;',
]

for (const type of CONTENT_TYPES) {
  test(`a body that is called ${JSON.stringify(type)} is the bytes that were sent`, async () => {
    await using opened = await open('plain')
    await using connection = await opened.connect()
    const header = type === undefined ? '' : `content-type: ${type}\r\n`

    connection.send(
      `POST /api/chat HTTP/1.1\r\nhost: a\r\n${header}content-length: 7\r\n\r\n{"a":1}`,
    )

    await connection.received(/<\{"a":1\}>/)
  })

  test(`an empty body that is called ${JSON.stringify(type)} is nothing`, async () => {
    await using opened = await open('plain')
    await using connection = await opened.connect()
    const header = type === undefined ? '' : `content-type: ${type}\r\n`

    connection.send(`POST /api/chat HTTP/1.1\r\nhost: a\r\n${header}content-length: 0\r\n\r\n`)
    connection.send(`POST /api/chat HTTP/1.1\r\nhost: a\r\n${header}\r\n`)

    await connection.received(/<>.*<>/s)
    assert.deepEqual(opened.handled, ['', ''])
  })
}

const TOO_LONG = 'x'.repeat(1_001)
const ERRORS: readonly [
  situation: string,
  status: number,
  code: string,
  bytes: (path: string) => string,
][] = [
  [
    'a body over the limit by one byte',
    413,
    'request_too_large',
    (path) => `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n${TOO_LONG}`,
  ],
  [
    'a body in chunks over the limit',
    413,
    'request_too_large',
    (path) =>
      `POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n` +
      `${TOO_LONG}\r\n`,
  ],
  [
    'a compressed body',
    415,
    'unsupported_encoding',
    (path) =>
      `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi`,
  ],
  [
    'a body that says it is and is not compressed',
    415,
    'unsupported_encoding',
    (path) =>
      `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-encoding: identity\r\n` +
      `content-encoding: gzip\r\ncontent-length: 2\r\n\r\nhi`,
  ],
  [
    'another method',
    405,
    'method_not_allowed',
    (path) => `PUT ${path} HTTP/1.1\r\nhost: a\r\n\r\n`,
  ],
  ['an unknown path', 404, 'unknown_url', (path) => `GET ${path}/x HTTP/1.1\r\nhost: a\r\n\r\n`],
  [
    'an unknown path with a body',
    404,
    'unknown_url',
    (path) => `POST ${path}/x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi`,
  ],
  [
    'a path that is no text',
    404,
    'unknown_url',
    (path) => `GET ${path}/%zz HTTP/1.1\r\nhost: a\r\n\r\n`,
  ],
]

for (const [situation, status, code, bytes] of ERRORS) {
  test(`${situation} is ${status} in the dialect of its path`, async () => {
    await using opened = await open('plain')
    await using ollama = await opened.connect()
    await using openai = await opened.connect()

    ollama.send(bytes('/api/chat'))
    openai.send(bytes('/v1/echo'))
    const ollamaText = await ollama.received(/\{.*\}$/)
    const openaiText = await openai.received(/\{.*\}$/)

    assert.deepEqual([statusesOf(ollamaText), statusesOf(openaiText)], [[status], [status]])
    assert.match(ollamaText, /\r\n\r\n\{"error":"[^"]+"\}$/)
    assert.match(
      openaiText,
      new RegExp(`\r\n\r\n\\{"error":\\{"message":"[^"]+",.*"code":"${code}"\\}\\}$`),
    )
    for (const text of [ollamaText, openaiText]) {
      assert.match(text, /\r\nx-request-id: req_test_\d\r\n/)
      assert.match(text, /\r\nx-should-retry: false\r\n/)
    }
    assert.deepEqual(opened.handled, [])
    assert.deepEqual(
      opened.ended.map((context) => [context.status, context.errorCode]),
      [
        [status, code],
        [status, code],
      ],
    )
  })
}

test('a method that no route offers is an unknown URL', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send('PROPFIND /api/chat HTTP/1.1\r\nhost: a\r\n\r\n')
  const text = await connection.received(/\}$/)

  assert.deepEqual(statusesOf(text), [404])
  assert.match(text, /\{"error":"There is nothing at this URL."\}$/)
  assert.equal(opened.ended[0]?.method, '_OTHER')
})

test('405 says which methods there are, and HEAD gets the head alone', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send('HEAD /api/chat HTTP/1.1\r\nhost: a\r\n\r\n')
  const text = await connection.received(/\r\n\r\n$/)

  assert.deepEqual(statusesOf(text), [405])
  assert.match(text, /\r\nallow: POST\r\n/)
})

test('a part of a path that is too long is unknown', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send(`GET /v1/models/${'x'.repeat(257)} HTTP/1.1\r\nhost: a\r\n\r\n`)

  assert.deepEqual(statusesOf(await connection.received(/"unknown_url"/)), [404])
})

test('a path that the router cannot read is judged by its head first', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send('GET /%zz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n')

  assert.deepEqual(statusesOf(await connection.closed()), [400])
})

test('a fault of ours tells the client nothing, and the log everything', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send('GET /v1/bug HTTP/1.1\r\nhost: a\r\n\r\n')
  const text = await connection.received(/\}$/)

  assert.deepEqual(statusesOf(text), [500])
  assert.match(text, /"code":"internal_error"/)
  assert.doesNotMatch(text, /secret/)
  const [context] = opened.ended
  assert.ok(context?.cause instanceof TypeError)
  assert.equal(context.cause.message, 'a secret of ours')
})

test('the record of a request says what its head does', async () => {
  await using opened = await open('TLS')
  await using connection = await opened.connect()
  const head = 'x-forwarded-for: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\ncontent-length: 2'

  connection.send(`PUT /api/chat?key=secret HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\nhi`)
  const text = await connection.received(/\}$/)

  const [context] = opened.ended
  assert.deepEqual(
    { ...context, startedMs: 0, cause: undefined },
    {
      requestId: 'req_test_1',
      startedMs: 0,
      method: 'PUT',
      route: '/api/chat',
      httpVersion: '1.1',
      clientAddress: '192.0.2.1, 192.0.2.2',
      attempts: [],
      bytesIn: 2,
      bytesOut: text.slice(text.indexOf('{')).length,
      status: 405,
      errorCode: 'method_not_allowed',
      cause: undefined,
    },
  )
})

test('an id that the client sends is not taken over', async () => {
  await using opened = await open('plain')
  await using connection = await opened.connect()

  connection.send(
    'POST /api/chat HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\nrequest-id: mine\r\n\r\n',
  )
  const text = await connection.received(/<>/)

  assert.deepEqual(text.match(/x-request-id: .*/g), ['x-request-id: req_test_1'])
})

for (const transport of TRANSPORTS) {
  test(`${transport}: nonsense behind a request whose answer is on its way cuts the connection`, async () => {
    await using opened = await open(transport)
    await using connection = await opened.connect()
    connection.send('GET /v1/stream HTTP/1.1\r\nhost: a\r\n\r\n')
    await connection.received(/begun/)

    connection.send('nonsense\r\n\r\n')
    const text = await connection.closed()

    assert.deepEqual(statusesOf(text), [200])
    assert.doesNotMatch(text, /error/)
  })

  test(`${transport}: a head that does not come is waited for no longer than its limit`, async () => {
    await using opened = await open(transport, { headersTimeoutMs: 200, requestTimeoutMs: 400 })
    await using connection = await opened.connect()

    connection.send('POST /api/chat HTTP/1.1\r\nhost: a\r\n')

    assert.deepEqual(statusesOf(await connection.closed()), [408])
    assert.deepEqual(
      opened.ended.map(({ errorCode }) => errorCode),
      ['request_timeout'],
    )
  })

  test(`${transport}: a body that does not come is waited for no longer than its limit`, async () => {
    await using opened = await open(transport, { headersTimeoutMs: 300, requestTimeoutMs: 300 })
    await using connection = await opened.connect()

    connection.send('POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf')
    const text = await connection.closed()

    assert.deepEqual(statusesOf(text), [408])
    assert.match(text, /\{"error":"The request was not received in time."\}$/)
    assert.deepEqual(
      opened.ended.map(({ errorCode }) => errorCode),
      ['request_timeout'],
    )
  })

  test(`${transport}: a body that nobody wants is waited for no longer, either`, async () => {
    await using opened = await open(transport, { headersTimeoutMs: 300, requestTimeoutMs: 300 })
    await using connection = await opened.connect()

    connection.send('POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf')

    assert.deepEqual(statusesOf(await connection.closed()), [404])
  })

  test(`${transport}: a client that leaves within its body has left, and is no fault of ours`, async () => {
    await using opened = await open(transport)
    await using connection = await opened.connect()
    connection.send('POST /api/chat HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf')
    await eventually('the request has begun', () => opened.begun === 1)

    connection.socket.destroy()

    await eventually('the request has ended', () => opened.ended.length === 1)
    assert.deepEqual([opened.ended[0]?.errorCode, opened.handled], ['client_closed', []])
  })

  test(`${transport}: connections beyond the most are not taken`, async () => {
    await using opened = await open(transport, { connectionsMax: 1 })
    await using first = await opened.connect()
    await using second = await openPlain(opened.port)

    await second.closed()
    first.send('POST /api/chat HTTP/1.1\r\nhost: a\r\n\r\n')

    await first.received(/<>/)
  })

  test(`${transport}: a connection that stays idle is closed`, async () => {
    await using opened = await open(transport, { keepAliveTimeoutMs: 50 })
    await using connection = await opened.connect()

    connection.send('POST /api/chat HTTP/1.1\r\nhost: a\r\n\r\n')

    assert.deepEqual(statusesOf(await connection.closed()), [200])
  })
}

for (const path of ['/v1/models/m', '/v1/stream']) {
  test(`the thousandth answer of a connection is its last, also of ${path}`, async () => {
    await using opened = await open('plain')
    await using connection = await opened.connect()
    opened.release()

    connection.send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`.repeat(1_000))
    const text = await connection.closed()

    assert.deepEqual(statusesOf(text), Array(1_000).fill(200))
    assert.equal(text.match(/\r\nconnection: close\r\n/gi)?.length, 1)
  })
}

test('ALPN chooses between HTTP/2 and HTTP/1.1; without it there is HTTP/1.1', async () => {
  await using opened = await open('TLS')

  for (const [offered, chosen] of [
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['http/1.1', 'h2'], 'h2'],
    [[], false],
  ] as const) {
    const socket = connectTls({ ...LOCAL, port: opened.port, ALPNProtocols: [...offered] })
    await once(socket, 'secureConnect')
    assert.equal(socket.alpnProtocol, chosen)
    socket.destroy()
  }
})

test('a client that offers other protocols only is refused', async () => {
  await using opened = await open('TLS')

  const refused = handshake({ port: opened.port, ALPNProtocols: ['spdy/3'] })

  await assert.rejects(refused, { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
})

const LOCAL = { host: '127.0.0.1', rejectUnauthorized: false } as const

/** Shakes hands and returns what was agreed on. */
async function handshake(options: ConnectionOptions): Promise<{ version: string; cipher: string }> {
  const socket = connectTls({ ...LOCAL, ...options })
  await once(socket, 'secureConnect') // Rejects on 'error'.
  const agreed = { version: socket.getProtocol() ?? '', cipher: socket.getCipher().standardName }
  socket.destroy()
  return agreed
}

test('TLS 1.3 and 1.2 are spoken, with AEAD and nothing else', async () => {
  await using opened = await open('TLS')
  const { port } = opened

  const newest = await handshake({ port })
  const older = await handshake({ port, maxVersion: 'TLSv1.2' })

  assert.equal(newest.version, 'TLSv1.3')
  assert.equal(older.version, 'TLSv1.2')
  assert.match(newest.cipher, /GCM|POLY1305/)
  assert.match(older.cipher, /^TLS_ECDHE_.*(?:GCM|POLY1305)/)
})

const WEAK: readonly [situation: string, options: ConnectionOptions][] = [
  ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
  ['a suite with CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
]

for (const [situation, options] of WEAK) {
  test(`${situation} is refused`, async () => {
    await using opened = await open('TLS')

    await assert.rejects(handshake({ port: opened.port, ...options }))
  })
}

test('plain HTTP on the TLS port is closed without an answer', async () => {
  await using opened = await open('TLS')
  await using connection = await openPlain(opened.port)

  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')

  assert.equal(await connection.closed(), '')
  assert.equal(opened.begun, 0)
})

interface Http2Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A session over which a test asks what it likes. */
class Http2Client implements AsyncDisposable {
  readonly session: ClientHttp2Session

  constructor(port: number) {
    this.session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    this.session.on('error', () => undefined)
  }

  open(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const all = { ':path': '/api/chat', ':method': 'POST', ...headers }
    return this.session.request(all, { endStream: false })
  }

  async ask(headers: OutgoingHttpHeaders, body = ''): Promise<Http2Answer> {
    const stream = this.open(headers)
    stream.end(body)
    return answerOf(stream)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy()
  }
}

async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let headers: Record<string, unknown> = {}
  let text = ''
  stream.on('response', (received) => {
    headers = { ...received }
  })
  stream.on('data', (chunk) => {
    text += chunk
  })
  await once(stream, 'close') // Rejects on 'error'.
  return { status: headers[':status'] as number | undefined, headers, text }
}

test('HTTP/2: a request reaches its route, with and without a length', async () => {
  await using opened = await open('TLS')
  await using client = new Http2Client(opened.port)

  const unmeasured = await client.ask({}, '{"a":1}')
  const measured = await client.ask({ 'content-length': '2' }, 'hi')
  const empty = await client.ask({})

  assert.deepEqual([unmeasured.text, measured.text, empty.text], ['<{"a":1}>', '<hi>', '<>'])
  assert.equal(unmeasured.headers['x-request-id'], 'req_test_1')
})

const HTTP2_AMBIGUOUS: readonly [situation: string, headers: OutgoingHttpHeaders][] = [
  ['another host than the authority', { ':authority': 'a', host: 'other' }],
  ['a list of authorities', { ':authority': 'a,b' }],
  ['an underscore in a name', { content_length: '2' }],
  ['TRACE', { ':method': 'TRACE' }],
]

for (const [situation, headers] of HTTP2_AMBIGUOUS) {
  test(`HTTP/2: ${situation} is refused, and the session lives on`, async () => {
    await using opened = await open('TLS')
    await using client = new Http2Client(opened.port)

    const refused = await client.ask(headers)
    const next = await client.ask({}, 'next')

    assert.equal(refused.status, 400)
    assert.match(refused.text, /^\{"error":"Refused: /)
    assert.equal(refused.headers['x-request-id'], 'req_test_1')
    assert.equal(next.text, '<next>')
    assert.deepEqual(opened.handled, ['next'])
  })
}

test('HTTP/2: CONNECT gets no tunnel', async () => {
  await using opened = await open('TLS')
  await using client = new Http2Client(opened.port)
  const stream = client.session.request({ ':method': 'CONNECT', ':authority': 'other:443' })
  stream.end()

  const refused = await answerOf(stream)

  assert.equal(refused.status, 400)
  assert.equal(refused.headers['x-request-id'], 'req_test_1')
})

test('HTTP/2: a method that nobody registered is logged as such', async () => {
  await using opened = await open('TLS')
  await using client = new Http2Client(opened.port)

  const refused = await client.ask({ ':method': 'IGNORE-ALL-PREVIOUS' })

  assert.equal(refused.status, 404)
  assert.equal(opened.ended[0]?.method, '_OTHER')
})

test('HTTP/2: errors are answered per stream, in the dialect of the path', async (t) => {
  await using opened = await open('TLS')
  await using client = new Http2Client(opened.port)
  const warnings: Error[] = [] // Node warns of headers that HTTP/2 has not.
  const keep = (warning: Error) => void warnings.push(warning)
  process.on('warning', keep)
  t.after(() => process.off('warning', keep))

  const answers = await Promise.all([
    client.ask({}, TOO_LONG),
    client.ask({ ':path': '/v1/echo', 'content-length': '1001' }, TOO_LONG),
    client.ask({ 'content-encoding': 'br' }, 'hi'),
    client.ask({ ':method': 'DELETE' }),
    client.ask({ ':path': '/nowhere' }, 'hi'),
  ])
  const next = await client.ask({}, 'next')

  assert.deepEqual(
    answers.map(({ status }) => status),
    [413, 413, 415, 405, 404],
  )
  assert.equal(answers[0]?.text, '{"error":"The request body is too large."}')
  assert.match(answers[1]?.text ?? '', /"code":"request_too_large"/)
  assert.equal(answers[3]?.headers.allow, 'POST')
  assert.deepEqual(warnings, [])
  assert.ok(answers.every(({ headers }) => /^req_test_\d$/.test(String(headers['x-request-id']))))
  assert.equal(next.text, '<next>')
})

test('HTTP/2: a body that does not come is waited for no longer than its limit', async () => {
  await using opened = await open('TLS', { headersTimeoutMs: 300, requestTimeoutMs: 300 })
  await using client = new Http2Client(opened.port)
  const stream = client.open({})
  stream.write('half')

  const refused = await answerOf(stream)
  const next = await client.ask({}, 'next')

  assert.equal(refused.status, 408)
  assert.equal(refused.text, '{"error":"The request was not received in time."}')
  assert.equal(next.text, '<next>')
  assert.deepEqual(opened.handled, ['next'])
})

test('HTTP/2: a client that resets its stream within its body has left', async () => {
  await using opened = await open('TLS')
  await using connection = await openTls(opened.port, 'h2')
  connection.send(http2Preface()).send(http2Head('POST', '/api/chat')).send(http2Data('half'))
  await eventually('the request has begun', () => opened.begun === 1)

  connection.send(http2Cancel())

  await eventually('the request has ended', () => opened.ended.length === 1)
  assert.deepEqual([opened.ended[0]?.errorCode, opened.handled], ['client_closed', []])
  assert.equal(connection.isClosed, false)
})

test('HTTP/2: a client that goes away within its body has left', async () => {
  await using opened = await open('TLS')
  await using connection = await openTls(opened.port, 'h2')
  connection.send(http2Preface()).send(http2Head('POST', '/api/chat')).send(http2Data('half'))
  await eventually('the request has begun', () => opened.begun === 1)

  connection.socket.destroy()

  await eventually('the request has ended', () => opened.ended.length === 1)
  assert.deepEqual([opened.ended[0]?.errorCode, opened.handled], ['client_closed', []])
})

test('HTTP/2: a session offers a bounded number of streams, and is closed when it stays idle', async () => {
  await using opened = await open('TLS', { keepAliveTimeoutMs: 200 })
  await using client = new Http2Client(opened.port)

  const answer = await client.ask({}, 'hi')
  const { maxConcurrentStreams } = client.session.remoteSettings
  await once(client.session, 'close')

  assert.equal(answer.text, '<hi>')
  assert.equal(maxConcurrentStreams, 100)
})

for (const transport of TRANSPORTS) {
  test(`${transport}: closing lets requests end, also streams, and takes nothing new`, async () => {
    await using opened = await open(transport)
    await using waiting = await opened.connect()
    await using streaming = await opened.connect()
    await using idle = await opened.connect()
    waiting.send('GET /v1/wait HTTP/1.1\r\nhost: a\r\n\r\n')
    streaming.send('GET /v1/stream HTTP/1.1\r\nhost: a\r\n\r\n')
    idle.send('POST /api/chat HTTP/1.1\r\nhost: a\r\n\r\n')
    await Promise.all([streaming.received(/begun/), idle.received(/<>/)])
    await eventually('the request waits', () => opened.handled.includes('wait'))

    const closed = opened.listener.close()
    await idle.closed()
    await assert.rejects(openPlain(opened.port), { code: 'ECONNREFUSED' })
    assert.deepEqual([waiting.isClosed, streaming.isClosed], [false, false])
    opened.release()
    await closed

    assert.match(await waiting.closed(), /waited for$/)
    assert.match(await streaming.closed(), /begun .*ended\r\n0\r\n\r\n$/s)
  })

  test(`${transport}: closing does not wait for connections that never asked`, async () => {
    await using opened = await open(transport)
    await using silent = await openPlain(opened.port)
    await using half = await opened.connect()
    half.send('GET / HTTP/1.1\r\nho')

    await opened.listener.close()

    assert.deepEqual([await silent.closed(), await half.closed()], ['', ''])
  })

  test(`${transport}: a request that comes on an open connection while it closes is the last`, async () => {
    await using opened = await open(transport)
    await using connection = await opened.connect()
    const wait = 'GET /v1/wait HTTP/1.1\r\nhost: a\r\n\r\n'
    connection.send(wait)
    await eventually('the request waits', () => opened.handled.length === 1)

    const closed = opened.listener.close()
    connection.send(wait)
    await eventually('the next one waits, too', () => opened.handled.length === 2)
    opened.release()
    await closed

    const text = await connection.closed()
    assert.deepEqual(statusesOf(text), [200, 200])
    assert.match(text, /\r\nconnection: close\r\n/i)
  })

  test(`${transport}: cutting ends what close waits for, and both may be said twice`, async () => {
    await using opened = await open(transport)
    await using streaming = await opened.connect()
    streaming.send('GET /v1/stream HTTP/1.1\r\nhost: a\r\n\r\n')
    await streaming.received(/begun/)

    const closed = [opened.listener.close(), opened.listener.close()]
    await Promise.all([opened.listener.cut(), opened.listener.cut(), ...closed])

    assert.doesNotMatch(await streaming.closed(), /ended/)
  })
}

test('HTTP/2: closing lets streams end, and does not wait for idle sessions', async () => {
  await using opened = await open('TLS')
  await using busy = new Http2Client(opened.port)
  await using idle = new Http2Client(opened.port)
  await idle.ask({}, 'hi')
  const waiting = answerOf(busy.open({ ':path': '/v1/wait', ':method': 'GET' }).end())
  await eventually('the request waits', () => opened.handled.includes('wait'))

  const closed = opened.listener.close()
  await once(idle.session, 'close')
  assert.equal(busy.session.destroyed, false)
  opened.release()
  await closed

  assert.equal((await waiting).text, 'waited for')
})

test('HTTP/2: cutting ends sessions with their streams', async () => {
  await using opened = await open('TLS')
  await using client = new Http2Client(opened.port)
  const stream = client.open({ ':path': '/v1/wait', ':method': 'GET' }).end()
  stream.on('error', () => undefined)
  await eventually('the request waits', () => opened.handled.includes('wait'))

  await opened.listener.cut()

  await eventually('the session has ended', () => client.session.destroyed)
})

test('a listener that never listened may be closed', async () => {
  const { cert, key } = certificates.publicLocalhost
  for (const tls of [undefined, { cert, key }]) {
    const listener = createListener({
      ...LIMITS,
      tls,
      newRequestId: () => '',
      clientAddressOf: () => undefined,
      nowMs: () => 0,
      random: () => 0,
      onBegin: () => undefined,
      onEnd: () => undefined,
    })

    await listener.close()
  }
})

test('a port that is taken is said', async () => {
  await using opened = await open('plain')
  await using other = await open('plain')

  await assert.rejects(other.listener.app.listen({ host: '127.0.0.1', port: opened.port }))
})
