import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOllamaEmbed, parseOllamaEmbeddings } from './ollama-embed.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }

test('a request for embeddings passes as it is, without a stream', () => {
  const body = { truncate: false, model: 'x', input: ['a', 'b'], dimensions: 4, newest_field: 1 }

  const inner = parseOllamaEmbed(body)

  assert.equal(JSON.stringify(inner.body), JSON.stringify(body))
  assert.equal(inner.kind, 'embed')
  assert.equal(inner.model, 'x')
  assert.deepEqual(inner.affinity, { source: 'none' })
  assert.equal(inner.startAnswer(FACTS).isStream, false)
})

test('no input at all passes, because it loads the model', () => {
  for (const input of [undefined, null, '', []]) {
    assert.deepEqual(parseOllamaEmbed({ model: 'x', input }).body, { model: 'x', input })
  }
})

for (const input of [5, {}, true, ['a', 5], [['a']], [null]]) {
  test(`input ${JSON.stringify(input)} is refused in the words of Ollama`, () => {
    assert.throws(() => parseOllamaEmbed({ model: 'x', input }), {
      code: 'invalid_value',
      param: 'input',
      message: 'invalid input type',
    })
  })
}

test('the older form passes as it is, too', () => {
  const body = { prompt: 'a', model: 'x', keep_alive: 5 }

  const inner = parseOllamaEmbeddings(body)

  assert.equal(JSON.stringify(inner.body), JSON.stringify(body))
  assert.equal(inner.kind, 'embeddings')
  assert.equal(inner.startAnswer(FACTS).isStream, false)
})

test('both forms want a model, known options of the right type, and no field with `_`', () => {
  for (const parse of [parseOllamaEmbed, parseOllamaEmbeddings]) {
    assert.throws(() => parse({}), { code: 'missing_parameter', message: 'model is required' })
    assert.throws(() => parse({ model: 'x', options: { num_ctx: 'x' } }), { status: 400 })
    assert.throws(() => parse({ model: 'x', _a: 1 }), { code: 'unsupported_parameter' })
  }
  assert.throws(() => parseOllamaEmbeddings({ model: 'x', prompt: ['a'] }), {
    param: 'prompt',
    message: 'prompt must be a string',
  })
})
