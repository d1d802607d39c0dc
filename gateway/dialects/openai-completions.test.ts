import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import { COMPLETION_REQUEST, openAiCompletions } from './openai-completions.ts'
import { startCompletionAnswer } from './openai-completions-answer.ts'

const parse = openAiCompletions({ choicesMax: 8 })
const ask = (fields: object = {}) => ({ model: 'm', prompt: 'Once', ...fields })
const PLAIN = { model: 'm', prompt: 'Once', stream: true, options: { temperature: 1, top_p: 1 } }
const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 7 }

for (const [fields, expected] of [
  [{}, {}],
  [{ prompt: ['Once'] }, {}],
  [{ suffix: 'end.' }, { suffix: 'end.' }],
  [{ suffix: '' }, {}],
  [
    { max_tokens: 3, temperature: 0, seed: 1 },
    { options: { temperature: 0, top_p: 1, num_predict: 3, seed: 1 } },
  ],
  [{ stop: ['x'] }, { options: { temperature: 1, top_p: 1, stop: ['x'] } }],
  [{ logprobs: 0 }, { logprobs: true }],
  [{ logprobs: 3 }, { logprobs: true, top_logprobs: 3 }],
  [{ echo: false, best_of: 1, logit_bias: {} }, {}],
  [
    { keep_alive: '1h', think: false },
    { keep_alive: '1h', think: false },
  ],
] as const) {
  test(`${JSON.stringify(fields)} goes to the model server as ${JSON.stringify(expected)}`, () => {
    const inner = parse(ask(fields))

    assert.equal(inner.kind, 'generate')
    assert.deepEqual(inner.body, { ...PLAIN, ...expected })
    assert.deepEqual(inner.ignored, [])
  })
}

for (const [fields, code, param] of [
  [{ prompt: undefined }, 'missing_parameter', 'prompt'],
  [{ prompt: null }, 'missing_parameter', 'prompt'],
  [{ prompt: '' }, 'invalid_value', 'prompt'],
  [{ prompt: ['a', 'b'] }, 'invalid_value', 'prompt'],
  [{ prompt: [] }, 'invalid_value', 'prompt'],
  [{ prompt: [1, 2] }, 'unsupported_parameter', 'prompt'],
  [{ prompt: [[1, 2]] }, 'unsupported_parameter', 'prompt'],
  [{ echo: true }, 'unsupported_parameter', 'echo'],
  [{ best_of: 2 }, 'unsupported_parameter', 'best_of'],
  [{ logit_bias: { 1: 1 } }, 'unsupported_parameter', 'logit_bias'],
  [{ logprobs: true }, 'invalid_value', 'logprobs'],
  [{ messages: [] }, 'unknown_parameter', 'messages'],
] as const) {
  test(`${JSON.stringify(fields)} is refused as ${code} of ${param}`, () => {
    assert.throws(
      () => parse(JSON.parse(JSON.stringify(ask(fields)))),
      (error) => {
        assert.ok(error instanceof GatewayError)
        assert.deepEqual([error.code, error.param, error.status], [code, param, 400])
        return true
      },
    )
  })
}

test('usage of a stream is named as ignored where nothing is streamed', () => {
  const stream_options = { include_usage: true, include_obfuscation: true }

  assert.deepEqual(parse(ask({ stream_options })).ignored, [
    'stream_options.include_obfuscation',
    'stream_options.include_usage',
  ])
})

test('several choices are generated apart and answered together', () => {
  const inner = parse(ask({ n: 2, seed: 1 }))
  const [one, two] = inner.startChoices(FACTS)
  assert.ok(one && two)
  one.delta(Buffer.from('{"response":"a"}'))
  two.delta(Buffer.from('{"response":"b"}'))

  assert.equal(one.done(Buffer.from('{"done":true,"done_reason":"stop"}')), '')
  const body = JSON.parse(two.done(Buffer.from('{"done":true,"done_reason":"length"}')).toString())

  assert.deepEqual((inner.bodyOfChoice(1).options as { seed: number }).seed, 2)
  assert.deepEqual(body.choices, [
    { index: 0, text: 'a', logprobs: null, finish_reason: 'stop' },
    { index: 1, text: 'b', logprobs: null, finish_reason: 'length' },
  ])
})

test('thinking has no place in a completion and does not commit it', () => {
  const plan = { model: 'm', isStream: true, includeUsage: false, estimateInput: () => 1 }
  const [encoder] = startCompletionAnswer(plan, FACTS, 1)

  assert.equal(encoder?.delta(Buffer.from('{"response":"","thinking":"hm"}')), '')
})

test('any JSON is read, or refused with the path of what is wrong', () => {
  const keys = fc.constantFrom(...Object.keys(COMPLETION_REQUEST.schema.properties), 'zoo')
  const likely = fc
    .dictionary(keys, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    .map((fields) => ask(fields))

  fc.assert(
    fc.property(fc.oneof(likely, fc.jsonValue()), (body) => {
      try {
        parse(body)
      } catch (error) {
        assert.ok(error instanceof GatewayError, String(error))
        assert.equal(error.status, 400)
      }
    }),
    { numRuns: 1_000 },
  )
})
