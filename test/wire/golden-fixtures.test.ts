// Goal: this build understands what every older build wrote, byte for byte.
// Method: files written by that build, read by today's decoders; today's encoders must still write
// the same bytes for the current version, or an older build could not read us.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decodeRegionFailure, encodeRegionFailure } from '#wire/error-codes.ts'
import { encodeFrame, encodeFrameLength, FrameReader } from '#wire/frames.ts'
import { decodeLoadReport } from '#wire/load-report.ts'
import { decodeWorkHead, encodeWorkHead } from '#wire/region-api.ts'
import {
  decodeWorkerCommand,
  decodeWorkMessageHead,
  encodeWorkerCommand,
  encodeWorkMessageHead,
} from '#wire/work-message.ts'
import { decodeWorkerHeartbeat, encodeWorkerHeartbeat } from '#wire/worker-heartbeat.ts'

const HEAD = {
  requestId: 'req_g1_0123456789abcdef01234567',
  attempt: 2,
  kind: 'chat',
  model: 'hf.co/a/ü:latest',
  deadlineMs: 599_000,
  queueDeadlineMs: 30_000,
  priority: 'standard',
  hop: 0,
  affinity: '0011223344556677',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
} as const
const INBOX = '_INBOX.ingress.i1.0123456789abcdef0123456789abcdef'

test('an answer of version 1 is read, and written, byte for byte', () => {
  const bytes = fixture('answer.bin')

  const { frames, fault } = new FrameReader().push(bytes)

  assert.equal(fault, undefined)
  assert.deepEqual(
    frames.map(({ type, sequence, payload }) => [type, sequence, payload.toString()]),
    [
      ['started', 1, '{"worker":"w1"}'],
      ['alive', 2, '{"phase":"loading"}'],
      ['delta', 3, '{"message":{"content":"Grüße"}}\n{"message":{"content":" 🌍"}}\n'],
      ['done', 4, '{"done":true,"done_reason":"stop","eval_count":2}\n'],
    ],
  )
  const written = frames
    .map(({ type, sequence, payload }) => encodeFrame(type, sequence, payload))
    .flatMap((message) => [encodeFrameLength(message), message])
  assert.deepEqual(Buffer.concat(written), bytes)
})

test('a broken answer of version 1 ends with the failure that it names', () => {
  const { frames } = new FrameReader().push(fixture('broken-answer.bin'))

  assert.deepEqual(decodeRegionFailure(frames[1]?.payload.toString() ?? ''), {
    code: 'worker-lost',
    workStarted: 'yes',
    fault: 'region',
  })
})

test('the head of work of version 1 is read and written', () => {
  const headers = JSON.parse(fixture('work-head.json').toString())

  assert.deepEqual(decodeWorkHead(headers), { kind: 'head', head: HEAD, wire: { min: 1, max: 1 } })
  assert.deepEqual(encodeWorkHead(HEAD), Object.entries(headers).flat())
})

test('the head of a work message of version 1 is read and written', () => {
  const headers: Record<string, string> = JSON.parse(fixture('work-message-head.json').toString())

  const { queueDeadlineMs: _, hop: __, affinity: ___, ...expected } = HEAD
  assert.deepEqual(
    decodeWorkMessageHead((name) => headers[name] ?? ''),
    {
      ...expected,
      inbox: INBOX,
    },
  )
  assert.deepEqual(Object.fromEntries(encodeWorkMessageHead(HEAD, INBOX)), headers)
})

test('a failure, a command and a heartbeat of version 1 are read and written', () => {
  const failure = fixture('region-failure.json').toString().trim()
  const command = fixture('worker-command.json').toString().trim()
  const heartbeat = fixture('worker-heartbeat.json').toString().trim()

  assert.equal(encodeRegionFailure(decodeRegionFailure(failure)), failure)
  assert.equal(encodeWorkerCommand(present(decodeWorkerCommand(command))), command)
  assert.equal(encodeWorkerHeartbeat(present(decodeWorkerHeartbeat(heartbeat, 'w1'))), heartbeat)
})

test('a load report of version 1 is read whole', () => {
  const text = fixture('load-report.json').toString()

  const decoded = decodeLoadReport(text)

  assert.deepEqual(decoded, { kind: 'report', report: JSON.parse(text) })
})

function fixture(name: string): Buffer {
  return readFileSync(new URL(`fixtures/v1/${name}`, import.meta.url))
}

function present<T>(value: T | undefined): T {
  assert.notEqual(value, undefined)
  return value as T
}
