import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  choicesOf,
  ignoredStreamOptions,
  SAMPLING_FIELDS,
  samplingOptions,
  withoutAbsent,
} from './openai-sampling.ts'

test('the defaults are those of OpenAI and not of the model server', () => {
  assert.deepEqual(samplingOptions({}), { temperature: 1, top_p: 1 })
  assert.equal(JSON.parse(JSON.stringify(SAMPLING_FIELDS.top_p)).anyOf[0].default, 1)
})

test("a field of OpenAI wins over Ollama's option, which wins over the default", () => {
  assert.deepEqual(
    samplingOptions({
      max_tokens: 9,
      seed: null,
      options: { temperature: 0.3, seed: 4, num_predict: 1, num_ctx: 8 },
    }),
    { temperature: 0.3, top_p: 1, seed: 4, num_predict: 9, num_ctx: 8 },
  )
})

test('as many choices are made as are asked for, up to what is served', () => {
  assert.equal(choicesOf(undefined, 1), 1)
  assert.equal(choicesOf(null, 1), 1)
  assert.equal(choicesOf(8, 8), 8)
  assert.throws(() => choicesOf(2, 1), /'n': at most one choice per request/)
  assert.throws(() => choicesOf(5, 4), /'n': at most 4 choices per request/)
})

test('usage of a stream is ignored only where nothing is streamed', () => {
  const stream_options = { include_usage: true }

  assert.deepEqual(ignoredStreamOptions({ stream: true, stream_options }), [])
  assert.deepEqual(ignoredStreamOptions({ stream_options }), ['stream_options.include_usage'])
  assert.deepEqual(ignoredStreamOptions({ stream_options: { include_usage: false } }), [])
})

test('what is absent is left out, and what is false or 0 is not', () => {
  assert.deepEqual(withoutAbsent({ a: null, b: undefined, c: false, d: 0, e: '' }), {
    c: false,
    d: 0,
    e: '',
  })
})
