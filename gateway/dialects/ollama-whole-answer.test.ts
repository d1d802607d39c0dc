import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import type { AnswerEncoder } from './dialect.ts'
import { WHOLE_BYTES_MAX, WholeAnswer } from './ollama-whole-answer.ts'

const EMBED = '{"model":"x","embeddings":[[0.1,-0.2]],"total_duration":5,"prompt_eval_count":9}'

test('parts that are cut anywhere are one answer, byte by byte', () => {
  const bytes = Buffer.from(EMBED.replace('"x"', '"\u65e5"'))
  for (let cut = 0; cut < bytes.length; cut += 1) {
    const answer = new WholeAnswer('embed', undefined)

    assert.equal(answer.delta(bytes.subarray(0, cut)), '')
    assert.deepEqual(answer.done(bytes.subarray(cut)), bytes)
    assert.deepEqual(answer.usage, { inputTokens: 9 })
  }
})

test('an answer in one part is passed on without a copy', () => {
  const bytes = Buffer.from(EMBED)

  assert.equal(new WholeAnswer('embed', undefined).done(bytes), bytes)
})

test('tokens are those that the server counted, not what a text says of them', () => {
  const usageOf = (whole: string) => {
    const answer = new WholeAnswer('embed', undefined)
    answer.done(Buffer.from(whole))
    return answer.usage
  }

  assert.deepEqual(usageOf('{"model":"x","embeddings":[]}'), {})
  assert.deepEqual(usageOf('{"model":"\\"prompt_eval_count\\":5","embeddings":[]}'), {})
  assert.deepEqual(usageOf(`{"embeddings":[[${'0.5,'.repeat(9_999)}1]],"prompt_eval_count":7}`), {
    inputTokens: 7,
  })
})

test('an answer about a model, or of the older form, counts nothing and names no model', () => {
  for (const kind of ['show', 'embeddings'] as const) {
    const whole = Buffer.from('{"model_info":{"prompt_eval_count":5}}\n')
    const answer = new WholeAnswer(kind, 'alias')

    assert.equal(answer.done(whole), whole)
    assert.deepEqual(answer.usage, {})
  }
})

test('embeddings carry another name when they are told one', () => {
  const answer = new WholeAnswer('embed', 'alias')

  assert.equal(answer.done(Buffer.from(EMBED)).toString(), EMBED.replace('"x"', '"alias"'))
})

for (const whole of [
  '',
  '{',
  EMBED.slice(0, -1),
  EMBED.slice(0, 40),
  '[]',
  '{"error":"no"}',
  'x}',
]) {
  test(`${JSON.stringify(whole.slice(0, 20))}… is the fault of the model server`, () => {
    assert.throws(() => new WholeAnswer('embed', undefined).done(Buffer.from(whole)), {
      code: 'upstream_error',
    })
  })
}

test('an answer over the limit is refused before it is kept', () => {
  const answer = new WholeAnswer('embed', undefined)
  const part = Buffer.alloc(WHOLE_BYTES_MAX / 4)
  for (let parts = 0; parts < 4; parts += 1) answer.delta(part)

  assert.throws(() => answer.delta(Buffer.from(' ')), { code: 'upstream_error' })
})

test('while a whole answer is waited for nothing can be said', () => {
  const answer: AnswerEncoder = new WholeAnswer('show', undefined)

  assert.equal(answer.isStream, false)
  assert.equal(answer.contentType, 'application/json; charset=utf-8')
  assert.equal(answer.heartbeat('loading'), '')
  assert.equal(answer.failure(new GatewayError('upstream_error')), '')
})
