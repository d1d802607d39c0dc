// Method: a real HTTP response whose reader can stop reading; frames are made by hand.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { regionFailure } from '#wire/error-codes.ts'
import { encodeFrame, type Frame, FrameReader } from '#wire/frames.ts'
import { Relay } from './relay.ts'
import { WorkFailed, workFailed } from './work-failed.ts'

interface Reader {
  readonly incoming: IncomingMessage
  readonly frames: Frame[]
  readonly closed: Promise<void>
}

interface Pair extends AsyncDisposable {
  readonly response: ServerResponse
  /** The other side of the response, once its headers are there. */
  reader(): Promise<Reader>
}

async function openResponse(): Promise<Pair> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sent = get({ port, agent: false })
  const answered = once(sent, 'response')
  answered.catch(() => {}) // A test may not ask for the reader.
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  return {
    response,
    async reader() {
      const [incoming] = (await answered) as [IncomingMessage]
      const frames: Frame[] = []
      const bytes = new FrameReader()
      incoming.on('data', (chunk: Buffer) => frames.push(...bytes.push(chunk).frames))
      incoming.on('error', () => {}) // A cut shows in `complete`.
      const closed = new Promise<void>((resolve) => incoming.once('close', resolve))
      return { incoming, frames, closed }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const STARTED = encodeFrame('started', 1, '{"worker":"w1"}')
const MIB = 1_048_576

test('frames are passed on with their length before them, and done ends the response', async () => {
  await using pair = await openResponse()
  const relay = new Relay(pair.response, MIB)

  const passages = [
    relay.begin('w1', STARTED),
    relay.pass(encodeFrame('delta', 2, '{"a":1}\n')),
    relay.pass(encodeFrame('done', 3, '{"done":true}')),
  ]
  const { incoming, frames, closed } = await pair.reader()
  await closed

  assert.deepEqual(passages, ['passed', 'passed', 'done'])
  assert.equal(incoming.headers['meridian-worker'], 'w1')
  assert.deepEqual(
    frames.map(({ type, sequence, payload }) => [type, sequence, payload.toString()]),
    [
      ['started', 1, '{"worker":"w1"}'],
      ['delta', 2, '{"a":1}\n'],
      ['done', 3, '{"done":true}'],
    ],
  )
  assert.equal(relay.frames, 3)
  assert.equal(relay.bytes, 20 + 4 + 13 + 4 + 18 + 4)
})

test('the first frame leaves at once, so that the gateway learns of the start', async () => {
  await using pair = await openResponse()
  const relay = new Relay(pair.response, MIB)

  relay.begin('w1', STARTED)
  const { frames, incoming } = await pair.reader()
  await once(incoming, 'data')

  assert.equal(frames[0]?.type, 'started')
})

test('what is no frame, too large or out of order is broken and not passed on', async () => {
  await using pair = await openResponse()
  const relay = new Relay(pair.response, MIB)
  relay.begin('w1', STARTED)

  assert.equal(relay.pass(Buffer.from('nonsense')), 'broken')
  assert.equal(relay.pass(Buffer.alloc(0)), 'broken')
  assert.equal(relay.pass(Buffer.alloc(1_000_001, 'D')), 'broken')
  assert.equal(relay.pass(encodeFrame('delta', 3, '{}')), 'broken')
  assert.equal(relay.frames, 1)
})

test('a reader that stops is behind, then lost, and hears of it once it reads again', async () => {
  await using pair = await openResponse()
  const relay = new Relay(pair.response, 4 * MIB)
  relay.begin('w1', STARTED)
  const { incoming, frames } = await pair.reader()
  incoming.pause()

  let sequence = 1
  const seen = new Set<string>()
  while (!seen.has('reader-lost')) {
    sequence += 1
    seen.add(relay.pass(encodeFrame('delta', sequence, Buffer.alloc(500_000, 'x'))))
    await new Promise((resolve) => setImmediate(resolve)) // The socket takes what it can.
  }
  const drained = new Promise<void>((resolve) => relay.whenDrained(resolve))
  incoming.resume()
  await drained

  assert.ok(seen.has('reader-behind'))
  assert.ok(relay.waitingBytes < 4 * MIB)
  relay.fail(workFailed('slow-reader'))
  await once(incoming, 'close')
  assert.equal(frames.at(-1)?.type, 'failed')
  assert.equal(frames.at(-1)?.sequence, sequence + 1)
})

test('a failure is a status before the first frame and a frame after it', async () => {
  await using early = await openResponse()
  new Relay(early.response, MIB).fail(workFailed('overflow'))
  const refused = await early.reader()
  await refused.closed

  await using late = await openResponse()
  const relay = new Relay(late.response, MIB)
  relay.begin('w1', STARTED)
  relay.fail(workFailed('worker-lost'))
  relay.fail(workFailed('cancelled')) // Ended already: nothing more can be said.
  const failed = await late.reader()
  await failed.closed

  assert.equal(refused.incoming.statusCode, 503)
  assert.equal(failed.incoming.statusCode, 200)
  assert.deepEqual(
    failed.frames.map(({ type, sequence }) => [type, sequence]),
    [
      ['started', 1],
      ['failed', 2],
    ],
  )
})

test("a worker's own failed frame is held back and then passed on as it came", async () => {
  await using pair = await openResponse()
  const relay = new Relay(pair.response, MIB)
  relay.begin('w1', STARTED)
  const own = encodeFrame('failed', 2, '{"code":"of-tomorrow"}')

  const passage = relay.pass(own)
  const framesBefore = relay.frames
  relay.fail(new WorkFailed(regionFailure('internal'), own))
  const { frames, closed } = await pair.reader()
  await closed

  assert.equal(passage, 'failed')
  assert.equal(framesBefore, 1)
  assert.equal(frames[1]?.payload.toString(), '{"code":"of-tomorrow"}')
})

test('nothing is said to a caller that has gone', async () => {
  await using pair = await openResponse()
  const relay = new Relay(pair.response, MIB)
  pair.response.destroy()

  relay.sayQueued()
  relay.begin('w1', STARTED)
  relay.fail(workFailed('worker-lost'))

  assert.equal(pair.response.headersSent, false)
})
