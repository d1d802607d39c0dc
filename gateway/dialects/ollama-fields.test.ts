import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkGeneration,
  readFields,
  readImages,
  readModel,
  readStream,
  readText,
} from './ollama-fields.ts'

test('unknown fields pass with their values, in the order in which they came', () => {
  const body = { zeta: { a: [1, null] }, model: 'm', Alpha: 0, options: { x: 1 } }

  assert.equal(JSON.stringify(readFields(body)), JSON.stringify(body))
})

test('a known field in another spelling is the known one, as to Go, and the last wins', () => {
  const fields = readFields({
    model: 'allowed',
    '\u017ftream': false,
    MoDeL: 'other',
    thin\u212a: 1,
  })

  assert.deepEqual(fields, { model: 'other', stream: false, think: 1 })
})

test('letters that Go does not fold make no known field', () => {
  assert.deepEqual(Object.keys(readFields({ lmages: 1, '\u0131mages': 1 })), [
    'lmages',
    '\u0131mages',
  ])
})

for (const field of ['_debug_render_only', '_Debug_Render_Only', '_']) {
  test(`the field ${field} never reaches a model server`, () => {
    assert.throws(() => readFields({ model: 'm', [field]: null }), {
      code: 'unsupported_parameter',
      param: field,
      message: `${field} is not supported`,
    })
  })
}

for (const body of [undefined, null, [], 'x', 5, true]) {
  test(`a body that is ${JSON.stringify(body)} is refused`, () => {
    assert.throws(() => readFields(body), {
      code: 'invalid_value',
      status: 400,
      message: 'the request body must be a JSON object',
    })
  })
}

test('a name that Ollama takes is a name of a model', () => {
  const names = [
    'x',
    'smollm2:135m',
    'qwen3:14b-q4_K_M',
    'library/x',
    'hf.co/a/b:Q4_0',
    'localhost:5000/library/x:latest',
    'https://hf.co/a/b',
    '_x',
  ]

  assert.deepEqual(names.map(readModel), names)
})

for (const [name, code] of [
  [undefined, 'missing_parameter'],
  [null, 'missing_parameter'],
  ['', 'missing_parameter'],
  [5, 'invalid_value'],
  ['a b', 'invalid_value'],
  ['../x', 'invalid_value'],
  ['x:', 'invalid_value'],
  ['a.b/x', 'invalid_value'],
  ['a/b/c/d', 'invalid_value'],
  ['x@sha256:abc', 'invalid_value'],
  ['\u00e9', 'invalid_value'],
  ['x\n', 'invalid_value'],
  ['x'.repeat(81), 'invalid_value'],
  [`${'h'.repeat(251)}/n/x:t`, 'invalid_value'],
] as const) {
  test(`${JSON.stringify(name)?.slice(0, 40)} is no name of a model`, () => {
    assert.throws(() => readModel(name), { code, param: 'model', message: 'model is required' })
  })
}

test('an answer streams unless the client says no', () => {
  assert.equal(readStream({}), true)
  assert.equal(readStream({ stream: null }), true)
  assert.equal(readStream({ stream: true }), true)
  assert.equal(readStream({ stream: false }), false)
  for (const stream of ['false', 0, {}]) {
    assert.throws(() => readStream({ stream }), {
      code: 'invalid_value',
      param: 'stream',
      message: 'stream must be a boolean',
    })
  }
})

test('a text may be absent and nothing else', () => {
  assert.equal(readText({}, 'prompt'), '')
  assert.equal(readText({ prompt: null }, 'prompt'), '')
  assert.equal(readText({ prompt: 'a' }, 'prompt'), 'a')
  assert.throws(() => readText({ prompt: ['a'] }, 'prompt'), {
    param: 'prompt',
    message: 'prompt must be a string',
  })
})

test('an image loses the beginning of its data URL, because the server wants bare base64', () => {
  const images = ['aGk=', 'data:image/png;base64,aGk=', 'DATA:;base64,aGk=', 'data:aGk=', '']

  assert.deepEqual(readImages(images, 'images'), ['aGk=', 'aGk=', 'aGk=', 'data:aGk=', ''])
})

for (const [images, param, message] of [
  ['aGk=', 'images', 'images must be an array of base64 strings'],
  [{}, 'images', 'images must be an array of base64 strings'],
  [['aGk=', 5], 'images[1]', 'images[1] must be a base64 string'],
  [[null], 'images[0]', 'images[0] must be a base64 string'],
] as const) {
  test(`images ${JSON.stringify(images)} are refused: ${message}`, () => {
    assert.throws(() => readImages(images, 'images'), { code: 'invalid_value', param, message })
  })
}

const VALUES = '"high", "medium", "low", "max", true, or false'

for (const [fields, param, message] of [
  [{ think: 'High' }, 'think', `invalid think value: "High" (must be ${VALUES})`],
  [{ think: '' }, 'think', `invalid think value: "" (must be ${VALUES})`],
  [{ think: 1 }, 'think', `think must be a boolean or string (${VALUES})`],
  [{ think: [] }, 'think', `think must be a boolean or string (${VALUES})`],
  [
    { format: 'xml' },
    'format',
    'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
  ],
  [{ format: [] }, 'format', 'invalid format: "[]"; expected "json" or a valid JSON Schema object'],
  [{ options: { top_k: '1' } }, 'options.top_k', 'option "top_k" must be of type integer'],
] as const) {
  test(`${JSON.stringify(fields)} is refused: ${message}`, () => {
    assert.throws(() => checkGeneration(fields), { code: 'invalid_value', param, message })
  })
}

test('a value is quoted in an error only as far as it helps to find it', () => {
  assert.throws(
    () => checkGeneration({ think: 'x'.repeat(1_000_000) }),
    ({ message }: Error) => message.length < 200,
  )
})

test('every think value and format that some server takes passes', () => {
  for (const think of [undefined, null, true, false, 'low', 'medium', 'high', 'max']) {
    assert.doesNotThrow(() => checkGeneration({ think }))
  }
  for (const format of [undefined, null, '', 'json', {}, { type: 'object' }]) {
    assert.doesNotThrow(() => checkGeneration({ format }))
  }
})
