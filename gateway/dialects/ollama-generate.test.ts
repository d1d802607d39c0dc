import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOllamaGenerate } from './ollama-generate.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }

test('a request passes with every field as it came, and is always streamed inside', () => {
  const body = {
    prompt: 'a',
    model: 'x',
    suffix: 'b',
    system: 'c',
    template: '{{ .Prompt }}',
    context: [1, 2],
    raw: false,
    images: ['aGk='],
    keep_alive: -1,
    options: { num_predict: 2, newest_option: 1 },
    newest_field: [],
  }

  const inner = parseOllamaGenerate(body)

  assert.equal(JSON.stringify(inner.body), JSON.stringify({ ...body, stream: true }))
  assert.equal(inner.kind, 'generate')
  assert.equal(inner.model, 'x')
})

test('images are bare base64, and none at all pass', () => {
  const parsed = (images: unknown) => parseOllamaGenerate({ model: 'x', prompt: 'a', images }).body

  assert.deepEqual(parsed(['data:image/png;base64,aGk=']).images, ['aGk='])
  assert.equal(parsed(null).images, null)
})

for (const prompt of [undefined, null, '']) {
  test(`a prompt ${JSON.stringify(prompt)} loads the model, and passes as it is`, () => {
    const inner = parseOllamaGenerate({ model: 'x', prompt, keep_alive: '0s' })

    assert.deepEqual(inner.body, { model: 'x', prompt, keep_alive: '0s', stream: true })
    assert.equal(inner.startAnswer(FACTS).contentType, 'application/json; charset=utf-8')
  })
}

test('a conversation is known by its beginning, as text or as the tokens of its context', () => {
  const affinityOf = (more: object) =>
    parseOllamaGenerate({ model: 'x', prompt: 'a', ...more }).affinity
  const context = Array.from({ length: 64 }, (_, at) => at)

  assert.deepEqual(affinityOf({}), { source: 'messages', text: 'user\na\n' })
  assert.deepEqual(affinityOf({ system: 's' }), {
    source: 'messages',
    text: 'system\ns\nuser\na\n',
  })
  assert.deepEqual(affinityOf({ context }), affinityOf({ context: [...context, 1], prompt: 'b' }))
  assert.notDeepEqual(affinityOf({ context }), affinityOf({ context: [...context.slice(1), 1] }))
  assert.deepEqual(affinityOf({ context: [{ toString: 1 }] }), { source: 'none' })
  assert.deepEqual(affinityOf({ context: [] }), affinityOf({}))
})

for (const [change, param, message] of [
  [{ model: '' }, 'model', 'model is required'],
  [{ prompt: 5 }, 'prompt', 'prompt must be a string'],
  [{ prompt: ['a'] }, 'prompt', 'prompt must be a string'],
  [{ images: 'aGk=' }, 'images', 'images must be an array of base64 strings'],
  [{ stream: 'no' }, 'stream', 'stream must be a boolean'],
  [{ think: {} }, 'think', /^think must be a boolean or string/],
  [{ _debug_render_only: false }, '_debug_render_only', '_debug_render_only is not supported'],
] as const) {
  test(`a completion with ${JSON.stringify(change)} is refused: ${message}`, () => {
    assert.throws(() => parseOllamaGenerate({ model: 'x', prompt: 'a', ...change }), {
      status: 400,
      param,
      message,
    })
  })
}
