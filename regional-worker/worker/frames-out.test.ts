import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeRegionFailure, regionFailure } from '#wire/error-codes.ts'
import { decodeFrame, FRAME_PAYLOAD_BYTES_MAX, type Frame } from '#wire/frames.ts'
import type { PublishOptions } from '../nats-connection.ts'
import { FramesOut, UNSENT_BYTES_MAX, UNSENT_MS_MAX } from './frames-out.ts'

test('frames are counted from 1, and content of one turn shares a frame', () => {
  const { frames, turn, sent } = start()
  frames.started('worker-1', 0)
  frames.content(Buffer.from('{"a":1}\n'))
  frames.content(Buffer.from('{"a":2}\n'))
  turn()
  frames.content(Buffer.from('{"a":3}\n'))
  frames.done(Buffer.from('{"done":true}\n'), 10)

  assert.deepEqual(sent.map(wordOf), [
    '1 started {"worker":"worker-1"}',
    '2 delta {"a":1}\n{"a":2}\n',
    '3 delta {"a":3}\n',
    '4 done {"done":true}\n',
  ])
})

test('content over the size of a frame is split at line breaks, bytes untouched', () => {
  const { frames, turn, sent } = start()
  const line = `{"a":"${'x'.repeat(FRAME_PAYLOAD_BYTES_MAX / 2)}"}\n`
  frames.content(Buffer.from(line))
  frames.content(Buffer.from(line))
  turn()

  assert.equal(sent.length, 2)
  assert.equal(sent.map(({ frame }) => frame.payload.toString()).join(''), line + line)
})

test('a failure follows the content before it, with its text only for the client', () => {
  const { frames, sent } = start()
  frames.content(Buffer.from('{"a":1}\n'))
  frames.failed(regionFailure('ollama-failed', { message: 'at /srv/models' }), 0)
  const refused = regionFailure('request-refused', { status: 400, message: 'bad option' })
  frames.failed(refused, 0)

  assert.deepEqual(sent.map(wordOf), [
    '1 delta {"a":1}\n',
    '2 failed {"code":"ollama-failed","workStarted":"yes","fault":"region"}',
    `3 failed ${encodeRegionFailure(refused)}`,
  ])
})

test('alive is said after a second without a frame, and not before', () => {
  const { frames, turn, sent } = start()
  frames.started('w', 1_000)
  frames.aliveIfSilent('loading', 1_999)
  frames.aliveIfSilent('loading', 2_000)
  frames.aliveIfSilent('prefill', 2_999)
  turn()

  assert.deepEqual(sent.slice(1).map(wordOf), ['2 alive {"phase":"loading"}'])
})

test('the first frame and then one each second ask whether the ingress still listens', () => {
  const { frames, turn, sent, clock } = start()
  frames.started('w', 0)
  for (const nowMs of [400, 999, 1_000, 1_500, 2_100]) {
    clock.nowMs = nowMs
    frames.done(Buffer.from('x'), nowMs)
    turn()
  }

  assert.deepEqual(
    sent.map(({ asks }) => asks),
    [true, false, false, true, false, true],
  )
})

test('what cannot be sent is kept in order and sent when the connection is back', () => {
  const { frames, turn, sent, connection } = start()
  connection.isUp = false
  frames.started('w', 0)
  frames.content(Buffer.from('{"a":1}\n'))
  turn()
  assert.equal(frames.flush(100), false)

  connection.isUp = true
  frames.done(Buffer.from('{"done":true}\n'), 200)

  assert.deepEqual(
    sent.map(({ frame }) => frame.sequence),
    [1, 2, 3],
  )
  assert.equal(frames.flush(200), true)
})

test('frames that wait for too long, or are too many, are not worth sending any more', () => {
  const { frames, connection } = start()
  connection.isUp = false
  frames.started('w', 0)

  assert.equal(frames.isStuck(UNSENT_MS_MAX), false)
  assert.equal(frames.isStuck(UNSENT_MS_MAX + 1), true)
  frames.done(Buffer.alloc(UNSENT_BYTES_MAX), 10)
  assert.equal(frames.isStuck(10), true)
})

test('waiting until all is sent ends when the connection is back', async () => {
  const { frames, connection, sent } = start()
  connection.isUp = false
  frames.done(Buffer.from('x'), performance.now())

  const all = frames.allSent()
  connection.isUp = true
  await all

  assert.equal(sent.length, 1)
})

interface Sent {
  readonly frame: Frame
  readonly asks: boolean
}

/** Frames into a list, with turns of the event loop by hand. */
function start() {
  const sent: Sent[] = []
  const tasks: (() => void)[] = []
  const connection = { isUp: true }
  const clock = { nowMs: 0 }
  const publish = (_inbox: string, data: Uint8Array | string, options?: PublishOptions) => {
    const frame = decodeFrame(Buffer.from(data))
    assert.ok(frame)
    if (connection.isUp) sent.push({ frame, asks: options?.reply === 'gone' })
    return connection.isUp
  }
  const outbox = {
    publish,
    publishSoon: publish,
    atTurnEnd: (task: () => void): void => void tasks.push(task),
  }
  const turn = (): void => {
    for (const task of tasks.splice(0)) task()
  }
  const frames = new FramesOut({ outbox, inbox: 'inbox', goneSubject: 'gone' })
  return { frames, turn, sent, connection, clock }
}

function wordOf({ frame }: Sent): string {
  return `${frame.sequence} ${frame.type} ${frame.payload}`
}
