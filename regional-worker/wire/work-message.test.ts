import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkHead } from './region-api.ts'
import {
  decodeWorkerCommand,
  decodeWorkMessageHead,
  encodeWorkMessageHead,
  MESSAGE_ID_HEADER,
  workIdOf,
} from './work-message.ts'

const INBOX = '_INBOX.ingress.i1.0123456789abcdef0123456789abcdef'
const HEAD: WorkHead = {
  requestId: 'req_g1_0123456789abcdef01234567',
  attempt: 3,
  kind: 'embed',
  model: 'qwen3:14b',
  deadlineMs: 1_000,
  queueDeadlineMs: 500,
  priority: 'critical',
  hop: 0,
}

test('the attempt is part of the id, because JetStream remembers ids after the message is gone', () => {
  const headers = new Map(encodeWorkMessageHead(HEAD, INBOX))

  assert.equal(headers.get(MESSAGE_ID_HEADER), `${HEAD.requestId}:3`)
  assert.equal(workIdOf(HEAD.requestId, 3), `${HEAD.requestId}:3`)
})

test('a message with a missing or malformed header can never be run', () => {
  const good = new Map(encodeWorkMessageHead(HEAD, INBOX))
  const rows: [string, string][] = [
    ['meridian-request-id', ''],
    ['meridian-attempt', '0'],
    ['meridian-attempt', 'x'],
    ['meridian-kind', 'delete'],
    ['meridian-model', ''],
    ['meridian-model', '%'],
    ['meridian-deadline-ms', '0'],
    ['meridian-priority', ''],
    ['meridian-inbox', '_INBOX.ingress.*.0123456789abcdef0123456789abcdef'],
    ['meridian-inbox', '$JS.API.STREAM.DELETE.INTERACTIVE'],
  ]
  assert.notEqual(
    decodeWorkMessageHead((name) => good.get(name) ?? ''),
    undefined,
  )
  for (const [header, value] of rows) {
    const headers = new Map(good).set(header, value)
    assert.equal(
      decodeWorkMessageHead((name) => headers.get(name) ?? ''),
      undefined,
      header,
    )
  }
})

test('a command that this build does not know is none', () => {
  for (const text of [
    '',
    'null',
    '{}',
    '{"command":"explode","workId":"a"}',
    '{"command":"cancel"}',
  ]) {
    assert.equal(decodeWorkerCommand(text), undefined, text)
  }
})
