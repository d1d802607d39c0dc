import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenAiEncoder } from './openai-encoder.ts'
import { openAiRequest } from './openai-request.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 7 }

const request = (body: Record<string, unknown>, choices: number) =>
  openAiRequest({
    kind: 'chat',
    model: 'm',
    body,
    affinity: { source: 'none' },
    ignored: [],
    choices,
    priority: undefined,
    startChoices: (facts, count) =>
      Array.from(
        { length: count },
        (_, at) => ({ contentType: `${facts.createdS}/${at}` }) as OpenAiEncoder,
      ),
  })

test('each choice has a body and an encoder, of which a single answer takes the first', () => {
  const inner = request({ options: { seed: 5, top_k: 1 } }, 2)

  assert.deepEqual(inner.bodyOfChoice(0), { options: { seed: 5, top_k: 1 } })
  assert.deepEqual(inner.bodyOfChoice(1), { options: { seed: 6, top_k: 1 } })
  assert.deepEqual(
    inner.startChoices(FACTS).map(({ contentType }) => contentType),
    ['7/0', '7/1'],
  )
  assert.equal(inner.startAnswer(FACTS).contentType, '7/0')
})

test('without a seed every choice is asked for alike', () => {
  const body = { options: {} }

  assert.equal(request(body, 2).bodyOfChoice(1), body)
})
