import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeErrorText,
  decodeLoaded,
  decodeTags,
  decodeUsage,
  decodeVersion,
  fullModelName,
} from './ollama-answers.ts'

test('counters are read in ms, and what is missing stays unknown', () => {
  const line = { prompt_eval_count: 26, prompt_eval_duration: 130_000_000, eval_count: 7 }

  assert.deepEqual(decodeUsage(line), { promptTokens: 26, promptMs: 130, outputTokens: 7 })
  assert.deepEqual(decodeUsage({ load_duration: 2_000_000 }), { loadMs: 2 })
  assert.deepEqual(decodeUsage({ eval_count: 'many' }), {})
})

test('a version that says so belongs to the stand-in', () => {
  assert.deepEqual(decodeVersion({ version: '0.13.5' }), { kind: 'ollama', version: '0.13.5' })
  assert.equal(decodeVersion({ version: '0.13.5-standin' })?.kind, 'stand-in')
  assert.equal(decodeVersion({ version: 13 }), undefined)
  assert.equal(decodeVersion(null), undefined)
})

test('tags keep their entry untouched, and an entry without a name is left out', () => {
  const tag = { name: 'qwen3:latest', digest: 'abc', details: { family: 'qwen3' } }

  assert.deepEqual(decodeTags({ models: [tag, { digest: 'x' }, null] }), [
    { name: 'qwen3:latest', digest: 'abc', tag },
  ])
  assert.deepEqual(decodeTags({ models: null }), [])
  assert.equal(decodeTags({ error: 'no' }), undefined)
})

test('loaded models are names', () => {
  assert.deepEqual(decodeLoaded({ models: [{ name: 'a:latest', size_vram: 1 }, {}] }), ['a:latest'])
  assert.equal(decodeLoaded('no'), undefined)
})

test('the text of an error is found in its forms, and plain text is the text itself', () => {
  assert.equal(decodeErrorText('{"error":"model is required"}'), 'model is required')
  assert.equal(decodeErrorText('{"error":{"message":"no","type":"x"}}'), 'no')
  assert.equal(decodeErrorText(' 404 page not found\n'), '404 page not found')
  assert.equal(decodeErrorText('{"ok":false}'), '')
})

for (const [name, full] of [
  ['qwen3', 'qwen3:latest'],
  ['qwen3:latest', 'qwen3:latest'],
  ['Qwen3:14B', 'qwen3:14b'],
  ['hf.co/a/b', 'hf.co/a/b:latest'],
  ['localhost:5000/a/b', 'localhost:5000/a/b:latest'],
  ['localhost:5000/a/b:q4', 'localhost:5000/a/b:q4'],
] as const) {
  test(`the model ${name} is ${full}`, () => {
    assert.equal(fullModelName(name), full)
  })
}
