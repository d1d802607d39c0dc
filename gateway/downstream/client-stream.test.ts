// Goal: a client reads all that was written, or sees that it did not; one that leaves or takes
// nothing is noticed.
// Method: the two servers of the listener without the listener, real clients, and raw sockets where
// a client library would hide what was sent.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, createSecureServer } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import {
  HTTP2,
  http2FramesOf,
  http2Head,
  http2Preface,
  openPlain,
  openTls,
} from '../../test/support/raw-http.ts'
import { ClientStream, type RawResponse } from './client-stream.ts'

const certificates = await makeCertificates({ regions: ['eu-central'] })
after(() => certificates[Symbol.asyncDispose]())

type Protocol = 'HTTP/1.1' | 'HTTP/2'
const PROTOCOLS: readonly Protocol[] = ['HTTP/1.1', 'HTTP/2']
/** So long that whoever waits for it hangs. */
const NEVER_MS = 60_000

interface Served extends AsyncDisposable {
  readonly port: number
  /** Waits for the answer to the n-th request, counted from 1. */
  answer(number: number): Promise<RawResponse>
}

/** Starts a server that leaves all answers to the test. */
async function serve(protocol: Protocol): Promise<Served> {
  const { cert, key } = certificates.publicLocalhost
  const server: Server =
    protocol === 'HTTP/2' ? createSecureServer({ cert, key, allowHTTP1: true }) : createServer()
  const answers: RawResponse[] = []
  server.on('request', (_request, response: RawResponse) => answers.push(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    answer: (number) => eventually(`request ${number} comes`, () => answers[number - 1]),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const answer of answers) answer.socket?.destroy()
      await closed
    },
  }
}

/** What a client has of its answer so far. */
interface Received {
  readonly text: string
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly end: 'open' | 'whole' | 'cut'
}

interface Client extends AsyncDisposable {
  /** Asks, and keeps what comes. `pause` takes nothing, `resume` takes everything. */
  ask(): { received: Received; pause(): void; resume(): void; leave(): void }
}

function clientOf(protocol: Protocol, port: number): Client {
  return protocol === 'HTTP/2' ? new Http2Client(port) : new Http1Client(port)
}

class Http1Client implements Client {
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  ask() {
    const received = { text: '', status: undefined, headers: {}, end: 'open' } as Mutable<Received>
    const asked = request({ port: this.#port, host: '127.0.0.1', agent: false })
    let response: IncomingMessage | undefined
    asked.on('response', (answer) => {
      response = answer
      received.status = answer.statusCode
      received.headers = answer.headers
      answer.on('data', (chunk) => {
        received.text += chunk
      })
      answer.on('error', () => undefined)
      answer.on('close', () => {
        received.end = answer.complete ? 'whole' : 'cut'
      })
    })
    asked.on('error', () => {
      received.end = 'cut'
    })
    asked.end()
    return {
      received,
      pause: () => void response?.pause(),
      resume: () => void response?.resume(),
      leave: () => void asked.destroy(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class Http2Client implements Client {
  readonly #session: ClientHttp2Session

  constructor(port: number) {
    this.#session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    this.#session.on('error', () => undefined)
  }

  ask() {
    const received = { text: '', status: undefined, headers: {}, end: 'open' } as Mutable<Received>
    const stream = this.#session.request({ ':path': '/' })
    stream.on('response', (headers) => {
      received.status = headers[':status']
      received.headers = headers
    })
    stream.on('data', (chunk) => {
      received.text += chunk
    })
    stream.on('error', () => undefined)
    stream.on('close', () => {
      received.end = stream.rstCode === 0 && stream.readableEnded ? 'whole' : 'cut'
    })
    return {
      received,
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
      leave: () => void stream.close(8), // CANCEL
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.destroy()
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

for (const protocol of PROTOCOLS) {
  test(`${protocol}: status, headers and bytes reach the client, and the end is a whole one`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const { received } = client.ask()
    const stream = new ClientStream(await served.answer(1), NEVER_MS)
    let goneTimes = 0
    stream.onGone(() => {
      goneTimes += 1
    })

    stream.start(201, { 'content-type': 'text/plain', 'x-number': 7 })
    assert.equal(stream.write('grü'), true)
    assert.equal(stream.write(Buffer.from('ß')), true)
    stream.end('e')
    await eventually('the answer has ended', () => received.end === 'whole')

    assert.deepEqual([received.status, received.text], [201, 'grüße'])
    assert.deepEqual(
      [received.headers['content-type'], received.headers['x-number']],
      ['text/plain', '7'],
    )
    assert.deepEqual([stream.bytesOut, stream.isGone, goneTimes], [7, false, 0])
  })

  test(`${protocol}: an answer that is broken off arrives to its last byte, and is cut`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const { received } = client.ask()
    const stream = new ClientStream(await served.answer(1), NEVER_MS)
    stream.start(200, {})
    stream.write('some ')

    stream.breakOff('error')
    stream.breakOff('again')
    stream.end('late')
    assert.equal(stream.write('later'), true)
    await eventually('the answer has ended', () => received.end !== 'open')

    assert.deepEqual([received.text, received.end], ['some error', 'cut'])
    assert.deepEqual([stream.bytesOut, stream.isGone], [10, false])
  })

  test(`${protocol}: a client that leaves before the answer is noticed once`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const asked = client.ask()
    const stream = new ClientStream(await served.answer(1), NEVER_MS)
    let goneTimes = 0
    stream.onGone(() => {
      goneTimes += 1
    })

    asked.leave()
    await eventually('the client has gone', () => stream.isGone)
    stream.start(200, {})
    stream.write('nobody')
    stream.end('nobody')

    assert.deepEqual([goneTimes, stream.bytesOut], [1, 0])
  })

  test(`${protocol}: a client that leaves within the answer is noticed once`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const asked = client.ask()
    const stream = new ClientStream(await served.answer(1), NEVER_MS)
    stream.start(200, {})
    stream.write('some')
    await eventually('the answer has begun', () => asked.received.text === 'some')

    asked.leave()
    await eventually('the client has gone', () => stream.isGone)

    assert.equal(stream.write('nobody'), true)
    assert.equal(stream.bytesOut, 4)
  })

  test(`${protocol}: a client that had left before anybody listened is noticed at once`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const asked = client.ask()
    const raw = await served.answer(1)
    const closed = once(raw, 'close')
    asked.leave()
    await closed

    const stream = new ClientStream(raw, NEVER_MS)
    let isTold = false
    stream.onGone(() => {
      isTold = true
    })

    assert.deepEqual([stream.isGone, isTold], [true, true])
  })

  test(`${protocol}: a reader that catches up is told to be written to again, and stays`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const asked = client.ask()
    const stream = new ClientStream(await served.answer(1), 300)
    const chunk = Buffer.alloc(100_000, 'x')
    let drained = 0
    stream.onDrain(() => {
      drained += 1
    })
    stream.start(200, {})
    stream.write('x')
    await eventually('the answer has begun', () => asked.received.text === 'x')

    asked.pause()
    while (stream.write(chunk)) assert.equal(drained, 0)
    asked.resume()
    await eventually('the reader has caught up', () => drained === 1)
    await setTimeout(600) // Twice the time that a reader may take nothing while bytes wait for it.
    stream.end()
    await eventually('the answer has ended', () => asked.received.end !== 'open')

    assert.equal(asked.received.end, 'whole')
    assert.equal(asked.received.text.length, stream.bytesOut)
  })

  const STALLS: readonly [situation: string, act: (stream: ClientStream) => void][] = [
    ['within an answer', () => undefined],
    ['at the end of an answer', (stream) => stream.end('the end')],
    ['when an answer is broken off', (stream) => stream.breakOff('error')],
  ]

  for (const [situation, act] of STALLS) {
    test(`${protocol}: a reader that takes nothing ${situation} is left`, async () => {
      await using served = await serve(protocol)
      await using client = clientOf(protocol, served.port)
      const asked = client.ask()
      const raw = await served.answer(1)
      const stream = new ClientStream(raw, 200)
      stream.start(200, {})
      stream.write('x')
      await eventually('the answer has begun', () => asked.received.text === 'x')
      const closed = once(raw, 'close')

      asked.pause()
      const chunk = Buffer.alloc(16_000_000, 'x') // More than the buffers of both kernels hold.
      assert.equal(stream.write(chunk), false)
      act(stream)
      await closed

      assert.equal(stream.isGone, situation === 'within an answer')
      asked.leave()
    })
  }

  test(`${protocol}: an answer about which nothing waits may be silent for long`, async () => {
    await using served = await serve(protocol)
    await using client = clientOf(protocol, served.port)
    const { received } = client.ask()
    const stream = new ClientStream(await served.answer(1), 100)
    stream.start(200, {})
    stream.write('a while')

    await setTimeout(400)
    stream.end(' later')
    await eventually('the answer has ended', () => received.end !== 'open')

    assert.deepEqual([received.text, received.end], ['a while later', 'whole'])
  })
}

test('HTTP/1.1: an answer that is broken off has no last chunk', async () => {
  await using served = await serve('HTTP/1.1')
  await using connection = await openPlain(served.port)
  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const stream = new ClientStream(await served.answer(1), NEVER_MS)

  stream.start(200, {})
  stream.breakOff('error')

  assert.match(await connection.closed(), /\r\n\r\n5\r\nerror\r\n$/)
})

test('HTTP/1.1: the connection of an answer that has ended serves the next one', async () => {
  await using served = await serve('HTTP/1.1')
  await using connection = await openPlain(served.port)
  const keepAliveMs = 200

  for (const number of [1, 2]) {
    connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    const stream = new ClientStream(await served.answer(number), keepAliveMs)
    stream.start(200, { 'content-length': 3 })
    stream.end(`no${number}`)
    await connection.received(new RegExp(`no${number}$`))
    await setTimeout(2 * keepAliveMs) // The reader's time is over, and does not count any more.
  }

  assert.equal(connection.isClosed, false)
})

test('HTTP/2: breaking off resets the one stream, never ends it, and the session lives on', async () => {
  await using served = await serve('HTTP/2')
  await using connection = await openTls(served.port, 'h2')
  connection.send(http2Preface()).send(http2Head('GET', '/'))
  const stream = new ClientStream(await served.answer(1), NEVER_MS)

  stream.start(200, {})
  stream.breakOff('error')
  const frames = await eventually('the stream is reset', () => {
    const received = http2FramesOf(connection.bytes).filter(({ streamId }) => streamId === 1)
    return received.some(({ type }) => type === HTTP2.reset) && received
  })

  assert.deepEqual(
    frames.map(({ type }) => type),
    [HTTP2.headers, HTTP2.data, HTTP2.reset],
  )
  assert.ok(frames.every(({ type, flags }) => type === HTTP2.reset || !(flags & HTTP2.endStream)))
  assert.equal(frames[1]?.payload.toString(), 'error')
  assert.ok(http2FramesOf(connection.bytes).every(({ type }) => type !== HTTP2.goaway))
  assert.equal(connection.isClosed, false)
})

test('HTTP/2: a session serves the next request while another of its streams is broken off', async () => {
  await using served = await serve('HTTP/2')
  await using client = clientOf('HTTP/2', served.port)
  const [broken, good] = [client.ask().received, client.ask().received]
  const streams = [await served.answer(1), await served.answer(2)].map(
    (raw) => new ClientStream(raw, NEVER_MS),
  )
  for (const stream of streams) stream.start(200, {})

  streams[0]?.breakOff('error')
  await eventually('the first is cut', () => broken.end === 'cut')
  streams[1]?.end('fine')
  await eventually('the second has ended', () => good.end !== 'open')
  const { received: next } = client.ask()
  const stream = new ClientStream(await served.answer(3), NEVER_MS)
  stream.start(200, {})
  stream.end('fine, too')
  await eventually('the third has ended', () => next.end !== 'open')

  assert.deepEqual(
    [good.text, good.end, next.text, next.end],
    ['fine', 'whole', 'fine, too', 'whole'],
  )
})
