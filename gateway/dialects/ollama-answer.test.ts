import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { type GenerationPlan, startGenerationAnswer, startWholeAnswer } from './ollama-answer.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }
const CHAT: GenerationPlan = { kind: 'chat', model: 'x', isStream: true, isLoad: false }
const LAST = '{"model":"x","message":{"role":"assistant","content":"a"},"done":true}'

for (const [change, isStream, contentType] of [
  [{}, true, 'application/x-ndjson'],
  [{ isLoad: true }, true, 'application/json; charset=utf-8'],
  [{ isStream: false }, false, 'application/json; charset=utf-8'],
  [{ isStream: false, isLoad: true }, false, 'application/json; charset=utf-8'],
] as const) {
  test(`an answer planned with ${JSON.stringify(change)} is of ${contentType}`, () => {
    const answer = startGenerationAnswer({ ...CHAT, ...change }, FACTS)

    assert.equal(answer.isStream, isStream)
    assert.equal(answer.contentType, contentType)
    assert.equal(answer.done(Buffer.from(LAST)).toString(), LAST)
  })
}

test('a long load is bridged by blanks, and its failure is an error for every client', () => {
  const answer = startGenerationAnswer({ ...CHAT, isLoad: true }, FACTS)

  const said = answer.heartbeat('loading') + answer.failure(new GatewayError('upstream_error'))

  assert.deepEqual(JSON.parse(said), { error: 'The model server failed before it answered.' })
})

test('every form of answer carries another name when the facts say so', () => {
  const facts = { ...FACTS, answerModel: 'alias' }
  const last = Buffer.from(LAST)
  const embed = Buffer.from('{"model":"x","embeddings":[]}')

  for (const isStream of [true, false]) {
    const answer = startGenerationAnswer({ ...CHAT, isStream }, facts)
    assert.equal(JSON.parse(answer.done(last).toString()).model, 'alias')
  }
  const whole = startWholeAnswer('embed', facts).done(embed)
  assert.equal(whole.toString(), '{"model":"alias","embeddings":[]}')
})
