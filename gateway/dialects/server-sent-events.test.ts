import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SSE_DONE, SSE_TYPE, sseComment, sseFrame } from './server-sent-events.ts'

test('frames, comments and the end are what the standard and the SDKs expect', () => {
  assert.equal(SSE_TYPE, 'text/event-stream; charset=utf-8')
  assert.equal(sseFrame('{"a":1}'), 'data: {"a":1}\n\n')
  assert.equal(sseComment('queued'), ': queued\n\n')
  assert.equal(SSE_DONE, 'data: [DONE]\n\n')
})
