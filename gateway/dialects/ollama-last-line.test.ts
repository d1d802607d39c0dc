import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLastLine, usageOf } from './ollama-last-line.ts'

test('a last line is read with everything that it holds', () => {
  const line = Buffer.from('{"model":"x","done":true,"eval_count":3,"newest":[1]}\n')

  assert.deepEqual(decodeLastLine(line), { model: 'x', done: true, eval_count: 3, newest: [1] })
})

for (const line of [
  '',
  '\n',
  '{"done":false}\n',
  '{"done":"true"}\n',
  '{"model":"x"}\n',
  '{"error":"out of memory"}\n',
  '{"done":true',
  '[]\n',
]) {
  test(`${JSON.stringify(line)} is the fault of the model server`, () => {
    assert.throws(() => decodeLastLine(Buffer.from(line)), { code: 'upstream_error' })
  })
}

test('tokens that are not counted are unknown, never 0', () => {
  assert.deepEqual(usageOf({ prompt_eval_count: 7, eval_count: 2 }), {
    inputTokens: 7,
    outputTokens: 2,
  })
  assert.deepEqual(usageOf({ eval_count: 2 }), { outputTokens: 2 })
  assert.deepEqual(usageOf({ prompt_eval_count: '7', eval_count: -1 }), {})
})
