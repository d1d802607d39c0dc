// Goal: whatever a client sends, the answer is a clear error in its own dialect, and the path works
// for the next one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, ollamaChat, startWorld } from '../support/start-world.ts'

const LONG = 'x'.repeat(70_000)

const OPENAI_ROWS = [
  {
    what: 'an unknown model',
    body: chat('Hi', { model: 'gpt-99' }),
    status: 404,
    code: 'model_not_found',
    param: 'model',
    says: /gpt-99.*qwen3.*smollm2:135m/,
  },
  {
    what: 'no JSON',
    body: '{"model":',
    status: 400,
    code: 'invalid_json',
    param: null,
    says: /JSON/,
  },
  { what: 'an empty body', body: '', status: 400, code: 'invalid_json', param: null, says: /./ },
  { what: 'an array', body: '[]', status: 400, code: 'invalid_value', param: null, says: /./ },
  {
    what: 'no model',
    body: { messages: [] },
    status: 400,
    code: 'missing_parameter',
    param: 'model',
    says: /model/,
  },
  {
    what: 'no messages',
    body: { model: 'smollm2:135m' },
    status: 400,
    code: 'missing_parameter',
    param: 'messages',
    says: /messages/,
  },
  {
    what: 'a wrong type',
    body: chat('Hi', { temperature: 'hot' }),
    status: 400,
    code: 'invalid_value',
    param: 'temperature',
    says: /temperature/,
  },
  {
    what: 'a wrong type deep inside',
    body: { model: 'smollm2:135m', messages: [{ role: 'user', content: 7 }] },
    status: 400,
    code: 'invalid_value',
    param: 'messages[0].content',
    says: /content/,
  },
  {
    what: 'an unknown field',
    body: chat('Hi', { colour: 'blue' }),
    status: 400,
    code: 'unknown_parameter',
    param: 'colour',
    says: /colour/,
  },
  {
    what: 'a body over the limit',
    body: chat(LONG),
    status: 413,
    code: 'request_too_large',
    param: null,
    says: /large/,
  },
] as const

test('bad input gets a clear error in its own dialect', async (t) => {
  await using world = await startWorld({
    regions: ['eu-central'],
    gatewayEnv: { GATEWAY_BODY_BYTES_MAX: '65536' },
  })

  for (const { what, body, status, code, param, says } of OPENAI_ROWS) {
    await t.test(`OpenAI: ${what} is ${status} ${code}`, async () => {
      const answer = await world.ask('/v1/chat/completions', { body, method: 'POST' })

      const { error } = JSON.parse(answer.text)
      assert.equal(answer.status, status)
      assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type'])
      assert.equal(error.code, code)
      assert.equal(error.param, param)
      assert.match(error.message, says)
      assert.match(String(answer.headers['x-request-id']), /^req_test_/)
      assert.equal(answer.headers['x-should-retry'], 'false')
    })
  }

  const ollamaRows: [string, unknown, number, RegExp][] = [
    ['an unknown model', ollamaChat('Hi', { model: 'gpt-99' }), 404, /model 'gpt-99' not found/],
    ['no JSON', '{"model":', 400, /./],
    ['an empty body', '', 400, /missing request body/],
    ['no model', { messages: [] }, 400, /model is required/],
    ['a wrong type', { model: 'smollm2:135m', messages: 'hello' }, 400, /messages/],
    ['a body over the limit', ollamaChat(LONG), 413, /large/],
  ]
  for (const [what, body, status, says] of ollamaRows) {
    await t.test(`Ollama: ${what} is ${status}`, async () => {
      const answer = await world.ask('/api/chat', { body, method: 'POST' })

      const value = JSON.parse(answer.text)
      assert.equal(answer.status, status)
      assert.deepEqual(Object.keys(value), ['error'])
      assert.match(value.error, says)
    })
  }

  await t.test(
    'a path that is not there, a method that is not offered, a body that is packed',
    async () => {
      const nowhere = await world.ask('/v1/audio/speech', { body: {} })
      const method = await world.ask('/v1/chat/completions', { method: 'GET' })
      const packed = await world.ask('/api/chat', {
        body: '{}',
        headers: { 'content-encoding': 'gzip' },
      })
      const managed = await world.ask('/api/pull', { body: { model: 'x' } })

      assert.equal(nowhere.status, 404)
      assert.equal(JSON.parse(nowhere.text).error.code, 'unknown_url')
      assert.equal(method.status, 405)
      assert.equal(method.headers.allow, 'POST')
      assert.equal(packed.status, 415)
      assert.equal(managed.status, 403)
      assert.deepEqual(Object.keys(JSON.parse(managed.text)), ['error'])
    },
  )

  await t.test('and a good request after all of them is answered', async () => {
    const answer = await world.ask('/v1/chat/completions', { body: chat('Hello') })

    assert.equal(answer.status, 200)
  })
})
