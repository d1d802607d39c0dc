import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOllamaShow } from './ollama-show.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }

for (const [asked, model] of [
  [{ model: 'x' }, 'x'],
  [{ name: 'x' }, 'x'],
  [{ model: '', name: 'x' }, 'x'],
  [{ model: null, name: 'x' }, 'x'],
  [{ model: 'x', name: '' }, 'x'],
  [{ model: 'x', name: 'y' }, 'x'],
] as const) {
  test(`${JSON.stringify(asked)} asks for the model ${model}`, () => {
    const inner = parseOllamaShow({ ...asked, verbose: true })

    assert.equal(inner.kind, 'show')
    assert.equal(inner.model, model)
    assert.deepEqual(inner.body, { ...asked, verbose: true, model })
    assert.equal(inner.startAnswer(FACTS).isStream, false)
  })
}

test('neither model nor name is refused in the words of Ollama', () => {
  for (const body of [{}, { model: '', name: '' }, { model: 5, name: 'x' }, { name: 'a b' }]) {
    assert.throws(() => parseOllamaShow(body), {
      status: 400,
      param: 'model',
      message: 'model is required',
    })
  }
})
