import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOptions } from './ollama-options.ts'

const WRONG: readonly [unknown, string, string][] = [
  ['x', 'options', 'options must be an object'],
  [[], 'options', 'options must be an object'],
  [{ temperature: '0.7' }, 'options.temperature', 'option "temperature" must be of type float32'],
  [{ num_predict: '2' }, 'options.num_predict', 'option "num_predict" must be of type integer'],
  [{ seed: true }, 'options.seed', 'option "seed" must be of type integer'],
  [{ use_mmap: 1 }, 'options.use_mmap', 'option "use_mmap" must be of type boolean'],
  [{ stop: 'x' }, 'options.stop', 'option "stop" must be of type array'],
  [{ stop: ['x', 1] }, 'options.stop', 'option "stop" must be of an array of strings'],
]

for (const [options, param, message] of WRONG) {
  test(`options ${JSON.stringify(options)} are refused: ${message}`, () => {
    assert.throws(() => checkOptions(options), {
      code: 'invalid_value',
      status: 400,
      param,
      message,
    })
  })
}

test('what the server takes passes, and what only a newer one may know', () => {
  const passes = [
    undefined,
    null,
    {},
    { temperature: 0, num_predict: 2.5, use_mmap: false, stop: [] },
    { temperature: null, stop: null },
    { mirostat: 'x', Temperature: 'x', _inside: 1 },
  ]

  for (const options of passes) assert.doesNotThrow(() => checkOptions(options))
})
