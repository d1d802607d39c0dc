import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeWorkHead, encodeWorkHead, NONCE, type WorkHead } from './region-api.ts'

const HEAD: WorkHead = {
  requestId: 'req_g1_0123456789abcdef01234567',
  attempt: 1,
  kind: 'generate',
  model: 'smollm2:135m',
  deadlineMs: 600_000,
  queueDeadlineMs: 30_000,
  priority: 'batch',
  hop: 1,
}

test('a head without its optional parts is read as it was written', () => {
  assert.deepEqual(decodeWorkHead(headersOf(HEAD)), {
    kind: 'head',
    head: HEAD,
    wire: { min: 1, max: 1 },
  })
})

test('the first header that is missing or wrong is named', () => {
  const rows: [string, string | undefined][] = [
    ['meridian-wire', undefined],
    ['meridian-wire', '2-1'],
    ['meridian-request-id', 'req_1'],
    ['meridian-attempt', '0'],
    ['meridian-attempt', '1e3'],
    ['meridian-kind', 'pull'],
    ['meridian-model', ''],
    ['meridian-model', '%E0%A4%A'],
    ['meridian-model', 'm'.repeat(257)],
    ['meridian-deadline-ms', '3600001'],
    ['meridian-queue-deadline-ms', '-5'],
    ['meridian-priority', 'urgent'],
    ['meridian-hop', '2'],
    ['meridian-affinity', 'not-hex'],
  ]
  for (const [header, value] of rows) {
    const decoded = decodeWorkHead({ ...headersOf(HEAD), [header]: value })
    assert.deepEqual(decoded, { kind: 'problem', header }, `${header}: ${value}`)
  }
})

test('a header that came twice is a problem, not a choice', () => {
  const decoded = decodeWorkHead({ ...headersOf(HEAD), 'meridian-model': ['a', 'b'] })

  assert.deepEqual(decoded, { kind: 'problem', header: 'meridian-model' })
})

test('a malformed trace context is dropped and an unknown header ignored', () => {
  const headers = { ...headersOf(HEAD), traceparent: 'nonsense', 'meridian-new': '1' }

  assert.deepEqual(decodeWorkHead(headers), {
    kind: 'head',
    head: HEAD,
    wire: { min: 1, max: 1 },
  })
})

test('a nonce is short hexadecimal text', () => {
  assert.match('0123456789abcdef', NONCE)
  for (const text of ['', '0123', 'G'.repeat(16), '0'.repeat(33)]) assert.doesNotMatch(text, NONCE)
})

function headersOf(head: WorkHead): Record<string, string | string[] | undefined> {
  const flat = encodeWorkHead(head)
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])))
}
