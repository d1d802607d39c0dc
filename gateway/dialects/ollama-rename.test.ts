import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renameModel } from './ollama-rename.ts'

const renamed = (lines: string, name = 'hf.co/a/b:c') =>
  renameModel(Buffer.from(lines), name).toString()

test('only the name changes, in every line, and no other byte', () => {
  const lines =
    '{"model":"x","message":{"content":"\\u003ca\\u003e \\"model\\":\\"x\\""},"done":false}\n' +
    '{"model":"x:latest","total_duration":9007199254740993,"done":true}\n'

  assert.equal(renamed(lines), lines.replace(/^\{"model":"[^"]+"/gm, '{"model":"hf.co/a/b:c"'))
})

test('a name that is longer than a buffer was, or needs escapes, stays JSON', () => {
  const { model } = JSON.parse(renamed('{"model":"x","done":true}\n', 'a"b\\c\u00e9'))

  assert.equal(model, 'a"b\\c\u00e9')
})

test('a line may lack its line break, and a blank one stays', () => {
  assert.equal(renamed('{"model":"x"}'), '{"model":"hf.co/a/b:c"}')
  assert.equal(renamed(' \n{"model":"x"}\n\n'), ' \n{"model":"hf.co/a/b:c"}\n\n')
  assert.equal(renamed(''), '')
})

test('a line that does not begin with its model is read and written anew', () => {
  assert.equal(
    renamed('{"done":true, "model":"x"}\n{ "model": "x" }'),
    '{"done":true,"model":"hf.co/a/b:c"}\n{"model":"hf.co/a/b:c"}',
  )
  assert.equal(renamed('{"model":"a\\"b"}\n'), '{"model":"hf.co/a/b:c"}\n')
  assert.equal(renamed('{ "done":true}\n'), '{ "done":true}\n')
})

test('what is broken or an error is the fault of the model server', () => {
  for (const line of ['{"error":"x"}\n', 'x\n', '{"mod', '{"model":"x']) {
    assert.throws(() => renamed(line), { code: 'upstream_error' })
  }
})
