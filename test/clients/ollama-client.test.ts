// Goal: the unmodified `ollama` package works when only its host is another.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ollama } from 'ollama'
import { fetch as undiciFetch } from 'undici'
import { startWorld, type World } from '../support/start-world.ts'

const ASK = { model: 'smollm2:135m', messages: [{ role: 'user', content: 'Hello' }] }

test('the ollama package', async (t) => {
  await using world = await startWorld({ regions: ['eu-central'] })
  const client = clientOf(world)

  await t.test('reads a whole answer with the counters of the model server', async () => {
    const answer = await client.chat(ASK)

    assert.match(answer.message.content, /^w1 w2 .* w20$/)
    assert.equal(answer.done, true)
    assert.equal(answer.done_reason, 'stop')
    assert.equal(answer.eval_count, 20)
    assert.ok(Number.isInteger(answer.total_duration))
  })

  await t.test('reads a stream to its last line', async () => {
    let text = ''
    let lines = 0
    let isDone = false
    for await (const part of await client.chat({ ...ASK, stream: true })) {
      text += part.message.content
      lines += 1
      isDone = part.done
    }

    assert.match(text, /^w1 w2 .* w20$/)
    assert.equal(lines, 21)
    assert.equal(isDone, true)
  })

  await t.test('generates, whole and streamed', async () => {
    const whole = await client.generate({ model: 'smollm2:135m', prompt: 'Hello' })
    let text = ''
    const stream = await client.generate({ model: 'smollm2:135m', prompt: 'Hello', stream: true })
    for await (const part of stream) text += part.response

    assert.match(String(whole.response), /^w1 w2 .* w20$/)
    assert.equal(text, whole.response)
  })

  await t.test('lists the models, and the version', async () => {
    const { models } = await client.list()
    const { version } = await client.version()

    assert.deepEqual(models.map(({ name }) => String(name)).sort(), [
      'qwen3:latest',
      'smollm2:135m',
    ])
    assert.match(String(version), /^0\.13\.5/)
  })

  await t.test('throws the words of Ollama for an unknown model', async () => {
    await assert.rejects(client.chat({ ...ASK, model: 'none' }), {
      status_code: 404,
      message: /^model 'none' not found\. There are: .*smollm2:135m/,
    })
  })
})

test('the ollama package throws when a stream breaks after its first content', async () => {
  await using world = await startWorld({ regions: ['eu-central'] })
  const { control } = world.region('eu-central').standIn
  await control.apply({ faults: [{ faults: 'reset-after=5,token-delay-ms=5', times: 1 }] })

  const stream = await clientOf(world).chat({ ...ASK, stream: true })

  await assert.rejects(async () => {
    for await (const _ of stream);
  })
})

function clientOf({ url, agent }: World): Ollama {
  return new Ollama({
    host: url,
    fetch: ((input: string | URL, init: object) =>
      undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof fetch,
  })
}
