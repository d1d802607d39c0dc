import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeFrame,
  encodeFrame,
  encodeFrameLength,
  FRAME_BYTES_MAX,
  FRAME_PAYLOAD_BYTES_MAX,
  FRAME_TYPES,
  FrameReader,
  type FrameType,
  frameSequenceOf,
  frameTypeOf,
} from './frames.ts'

test('a frame is read as it was written', () => {
  const message = encodeFrame('delta', 4_000_000_000, 'Grüße\n')

  assert.equal(frameTypeOf(message), 'delta')
  assert.equal(frameSequenceOf(message), 4_000_000_000)
  assert.equal(decodeFrame(message)?.payload.toString(), 'Grüße\n')
})

test("no frame begins like JetStream's acknowledgement", () => {
  for (const byte of Object.values(FRAME_TYPES)) assert.notEqual(byte, '{'.charCodeAt(0))
  assert.equal(frameTypeOf(Buffer.from('{"stream":"INTERACTIVE","seq":1}')), undefined)
})

test('a message that is too short or of an unknown type is no frame', () => {
  for (const text of ['', 'D', 'DDDD', 'Z0000payload']) {
    assert.equal(decodeFrame(Buffer.from(text)), undefined, text)
  }
  assert.equal(frameSequenceOf(Buffer.from('D')), 0)
})

test('a payload over the limit is refused when it is written', () => {
  assert.equal(
    encodeFrame('delta', 1, Buffer.alloc(FRAME_PAYLOAD_BYTES_MAX)).length,
    FRAME_BYTES_MAX,
  )
  assert.throws(
    () => encodeFrame('delta', 1, Buffer.alloc(FRAME_PAYLOAD_BYTES_MAX + 1)),
    RangeError,
  )
})

test('a stream that arrives cut anywhere gives the same frames', () => {
  const typeOf = fc.constantFrom<FrameType>('started', 'delta', 'alive', 'done', 'failed')
  const stream = fc.array(fc.tuple(typeOf, fc.uint8Array({ maxLength: 40 })), { maxLength: 12 })
  fc.assert(
    fc.property(stream, fc.array(fc.nat(60), { maxLength: 30 }), (parts, cuts) => {
      const messages = parts.map(([type, payload], i) =>
        encodeFrame(type, i + 1, Buffer.from(payload)),
      )
      const reader = new FrameReader()

      const frames = chunksOf(onHttp(messages), cuts).flatMap((chunk) => reader.push(chunk).frames)

      assert.deepEqual(
        frames.map(({ type, sequence, payload }) => [type, sequence, payload.toString('hex')]),
        parts.map(([type, payload], i) => [type, i + 1, Buffer.from(payload).toString('hex')]),
      )
      assert.equal(reader.isAtBorder, true)
    }),
  )
})

test('a missing frame is a fault, and the frames before it still count', () => {
  const { frames, fault } = new FrameReader().push(
    onHttp([encodeFrame('started', 1, ''), encodeFrame('delta', 3, 'x')]),
  )

  assert.equal(frames.length, 1)
  assert.equal(fault, 'out-of-sequence')
})

test('a repeated frame is a fault', () => {
  const { fault } = new FrameReader().push(
    onHttp([encodeFrame('started', 1, ''), encodeFrame('started', 1, '')]),
  )

  assert.equal(fault, 'out-of-sequence')
})

test('bytes that are no frames are a fault, and a huge length is refused before it is waited for', () => {
  assert.equal(new FrameReader().push(Buffer.from('HTTP/1.1 200 OK')).fault, 'too-large')
  assert.equal(new FrameReader().push(Buffer.from('\0\0\0\x05Zxxxx')).fault, 'malformed')
})

test('the reader says when the bytes end inside a frame', () => {
  const reader = new FrameReader()
  reader.push(onHttp([encodeFrame('delta', 1, 'abc')]).subarray(0, 7))

  assert.equal(reader.isAtBorder, false)
})

function onHttp(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [encodeFrameLength(message), message]))
}

function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let rest = bytes
  for (const cut of cuts) {
    chunks.push(rest.subarray(0, cut))
    rest = rest.subarray(cut)
  }
  return [...chunks, rest]
}
