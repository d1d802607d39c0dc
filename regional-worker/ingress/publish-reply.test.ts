import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFrame } from '#wire/frames.ts'
import { decodePublishReply, isPublishReply } from './publish-reply.ts'

const decode = (text: string) => decodePublishReply(Buffer.from(text))

test('a reply is known by its first byte and no frame is taken for one', () => {
  assert.ok(isPublishReply(Buffer.from('{"stream":"INTERACTIVE","seq":1}')))
  for (const type of ['started', 'delta', 'alive', 'done', 'failed'] as const) {
    assert.ok(!isPublishReply(encodeFrame(type, 1, '{}')))
  }
  assert.ok(!isPublishReply(Buffer.alloc(0)))
})

test('a stored message has its number, also when it is that of an earlier one', () => {
  assert.deepEqual(decode('{"stream":"INTERACTIVE","domain":"x","seq":26}'), {
    kind: 'stored',
    seq: 26,
    duplicate: false,
  })
  assert.deepEqual(decode('{"stream":"INTERACTIVE","seq":26,"duplicate":true}'), {
    kind: 'stored',
    seq: 26,
    duplicate: true,
  })
})

test('full is told by its number and never by its text', () => {
  const error = (errCode: number, description: string) =>
    JSON.stringify({ error: { code: 503, err_code: errCode, description }, stream: 'X', seq: 0 })

  assert.deepEqual(decode(error(10077, 'maximum messages per subject exceeded')), { kind: 'full' })
  assert.deepEqual(decode(error(10077, 'tomorrow it has another text')), { kind: 'full' })
  assert.deepEqual(decode(error(10023, 'maximum messages exceeded')), {
    kind: 'refused',
    errCode: 10023,
  })
})

test('what is no reply says nothing about the publish', () => {
  for (const text of ['', '{', '{}', 'null', '{"seq":0}', '{"seq":1.5}', '{"seq":"1"}']) {
    assert.equal(decode(text), undefined)
  }
})
