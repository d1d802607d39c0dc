import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import { EMBEDDINGS_BYTES_MAX, EMBEDDINGS_REQUEST, openAiEmbeddings } from './openai-embeddings.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 7 }
const ask = (fields: object = {}) => ({ model: 'm', input: 'Hello', ...fields })
const answer = (fields: object = {}, said: object = { embeddings: [[1]] }) =>
  JSON.parse(
    openAiEmbeddings(ask(fields))
      .startAnswer(FACTS)
      .done(Buffer.from(JSON.stringify(said)))
      .toString(),
  )

for (const [fields, expected] of [
  [{}, {}],
  [{ input: ['a', 'b'] }, { input: ['a', 'b'] }],
  [{ dimensions: 4, encoding_format: 'base64' }, { dimensions: 4 }],
  [{ user: 'u', encoding_format: null }, {}],
  [
    { options: { num_ctx: 1 }, keep_alive: 0 },
    { options: { num_ctx: 1 }, keep_alive: 0 },
  ],
] as const) {
  test(`${JSON.stringify(fields)} goes to the model server as ${JSON.stringify(expected)}`, () => {
    const inner = openAiEmbeddings(ask(fields))

    assert.equal(inner.kind, 'embed')
    assert.deepEqual(inner.body, { model: 'm', input: 'Hello', ...expected })
  })
}

for (const [fields, code, param] of [
  [{ input: undefined }, 'missing_parameter', 'input'],
  [{ input: '' }, 'invalid_value', 'input'],
  [{ input: [] }, 'invalid_value', 'input'],
  [{ input: ['a', ''] }, 'invalid_value', 'input[1]'],
  [{ input: new Array(2_049).fill('a') }, 'invalid_value', 'input'],
  [{ input: [1, 2, 3] }, 'unsupported_parameter', 'input'],
  [{ input: [[1], [2]] }, 'unsupported_parameter', 'input'],
  [{ encoding_format: 'hex' }, 'invalid_value', 'encoding_format'],
  [{ dimensions: 0 }, 'invalid_value', 'dimensions'],
  [{ truncate: true }, 'unknown_parameter', 'truncate'],
] as const) {
  test(`${JSON.stringify(fields).slice(0, 60)} is refused as ${code} of ${param}`, () => {
    assert.throws(
      () => openAiEmbeddings(JSON.parse(JSON.stringify(ask(fields)))),
      (error) => {
        assert.ok(error instanceof GatewayError)
        assert.deepEqual([error.code, error.param, error.status], [code, param, 400])
        return true
      },
    )
  })
}

test('only a user keeps requests for embeddings together', () => {
  assert.deepEqual(openAiEmbeddings(ask()).affinity, { source: 'none' })
  assert.deepEqual(openAiEmbeddings(ask({ user: 'u' })).affinity, { source: 'field', text: 'u' })
})

test('base64 holds the numbers of the floats as float32, in the order of the input', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })), {
        minLength: 1,
        maxLength: 4,
      }),
      (vectors) => {
        const input = vectors.map(String)
        const clean = JSON.parse(JSON.stringify(vectors)) as number[][]
        const ask = (encoding_format: string) =>
          answer(
            { input: input.map((_, at) => `text ${at}`), encoding_format },
            { embeddings: clean },
          ).data

        const [floats, base64] = [ask('float'), ask('base64')]

        assert.deepEqual(
          floats.map(({ index }: { index: number }) => index),
          [...vectors.keys()],
        )
        for (const [at, vector] of clean.entries()) {
          const bytes = Buffer.from(base64[at].embedding, 'base64')
          const read = vector.map((_, position) => bytes.readFloatLE(position * 4))
          assert.equal(bytes.length, vector.length * 4)
          assert.deepEqual(read, vector.map(Math.fround))
          assert.deepEqual(floats[at].embedding, vector)
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('usage is what Ollama counted, or an estimate', () => {
  const encoder = openAiEmbeddings(ask()).startAnswer(FACTS)
  assert.deepEqual([encoder.usage, encoder.usageEstimated], [{}, true])

  encoder.done(Buffer.from('{"embeddings":[[1]],"prompt_eval_count":2}'))

  assert.deepEqual(encoder.usage, { inputTokens: 2 })
  assert.equal(encoder.usageEstimated, false)
  assert.deepEqual(encoder.tokens, { inputTokens: 2, outputTokens: 0 })
  assert.deepEqual(answer().usage, { prompt_tokens: 5, total_tokens: 5 })
})

test('an embeddings answer is never streamed', () => {
  const encoder = openAiEmbeddings(ask()).startAnswer(FACTS)

  assert.equal(encoder.isStream, false)
  assert.equal(encoder.contentType, 'application/json; charset=utf-8')
  assert.equal(
    encoder.heartbeat('queued') + encoder.failure(new GatewayError('upstream_error')),
    '',
  )
})

for (const said of [
  { embeddings: [] },
  { embeddings: [[1], [2]] },
  { embeddings: [['1']] },
  { embeddings: [1] },
  {},
  { error: 'no' },
  [],
]) {
  test(`the answer ${JSON.stringify(said)} to one text is an upstream error`, () => {
    assert.throws(
      () => answer({}, said),
      (error) => error instanceof GatewayError && error.code === 'upstream_error',
    )
  })
}

test('an answer has a longest size', () => {
  const encoder = openAiEmbeddings(ask()).startAnswer(FACTS)
  const part = Buffer.alloc(EMBEDDINGS_BYTES_MAX / 4)

  for (let times = 0; times < 4; times += 1) encoder.delta(part)

  assert.throws(() => encoder.delta(Buffer.from(' ')), /send fewer texts/)
})

test('any JSON is read, or refused with the path of what is wrong', () => {
  const keys = fc.constantFrom(...Object.keys(EMBEDDINGS_REQUEST.schema.properties), 'zoo')
  const likely = fc
    .dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    .map((fields) => ask(fields))

  fc.assert(
    fc.property(fc.oneof(likely, fc.jsonValue()), (body) => {
      try {
        openAiEmbeddings(body)
      } catch (error) {
        assert.ok(error instanceof GatewayError, String(error))
        assert.equal(error.status, 400)
      }
    }),
    { numRuns: 1_000 },
  )
})
