// Goal: the unmodified `openai` package works when only its base URL is another.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { fetch as undiciFetch } from 'undici'
import { startWorld, type World } from '../support/start-world.ts'

const ASK = {
  model: 'smollm2:135m',
  messages: [{ role: 'user' as const, content: 'Hello' }],
}

test('the openai package', async (t) => {
  await using world = await startWorld({ regions: ['eu-central'] })
  const client = clientOf(world)

  await t.test('reads a whole answer with its usage', async () => {
    const answer = await client.chat.completions.create(ASK)

    assert.match(answer.choices[0]?.message.content ?? '', /^w1 w2 .* w20$/)
    assert.equal(answer.choices[0]?.finish_reason, 'stop')
    assert.equal(answer.usage?.completion_tokens, 20)
    assert.match(answer.id, /^chatcmpl-/)
    assert.match(answer._request_id ?? '', /^req_test_/)
  })

  await t.test('reads a stream to its end, with usage when asked', async () => {
    const stream = await client.chat.completions.create({
      ...ASK,
      stream: true,
      stream_options: { include_usage: true },
    })

    let text = ''
    let usage: unknown
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }

    assert.match(text, /^w1 w2 .* w20$/)
    assert.equal((usage as { completion_tokens: number }).completion_tokens, 20)
  })

  await t.test('lists the models and gets one whose name has a colon', async () => {
    const models = await client.models.list()
    const one = await client.models.retrieve('smollm2:135m')

    assert.deepEqual(models.data.map(({ id }) => id).sort(), ['qwen3:latest', 'smollm2:135m'])
    assert.equal(one.id, 'smollm2:135m')
  })

  await t.test(
    'throws its own error class for an unknown model, and does not retry it',
    async () => {
      const error = await client.chat.completions.create({ ...ASK, model: 'none' }).catch((e) => e)

      assert.ok(error instanceof OpenAI.NotFoundError)
      assert.equal(error.code, 'model_not_found')
      assert.match(error.message, /smollm2:135m/)
    },
  )

  await t.test('throws when a stream breaks after its first content', async () => {
    const { control } = world.region('eu-central').standIn
    await control.apply({ faults: [{ faults: 'reset-after=5,token-delay-ms=5', times: 1 }] })
    const stream = await client.chat.completions.create({ ...ASK, stream: true })

    let text = ''
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    })()

    await assert.rejects(reading)
    assert.match(text, /^w1/)
  })
})

function clientOf({ url, agent }: World): OpenAI {
  return new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: 'none',
    fetch: ((input: string | URL, init: object) =>
      undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof fetch,
  })
}
