import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, GatewayError, type GatewayErrorOptions } from '../errors.ts'
import { ollamaErrorBody } from './ollama-error.ts'

const KNOWN: readonly [ErrorCode, GatewayErrorOptions, string][] = [
  ['missing_parameter', { param: 'model' }, 'model is required'],
  ['missing_parameter', {}, 'A required parameter is missing.'],
  [
    'model_not_found',
    { message: 'The model does not exist. There are: a.' },
    "model 'x' not found",
  ],
  ['overloaded', {}, 'server busy, please try again.  maximum pending requests exceeded'],
  [
    'unsupported_capability',
    { message: '"x" does not support thinking' },
    '"x" does not support thinking',
  ],
  ['model_refused', { status: 400, message: 'the input is too long' }, 'the input is too long'],
  ['upstream_error', {}, 'The model server failed before it answered.'],
]

for (const [code, options, text] of KNOWN) {
  test(`${code} is told on /api as: ${text}`, () => {
    const body = ollamaErrorBody(new GatewayError(code, options), 'x')

    assert.deepEqual(JSON.parse(body), { error: text })
  })
}

test('an error is one line without a line break at its end', () => {
  const body = ollamaErrorBody(new GatewayError('invalid_value', { message: 'a\nb "c"' }))

  assert.equal(body, '{"error":"a\\nb \\"c\\""}')
})

test('an unknown model is told in the words of the error where nobody knows its name', () => {
  const body = ollamaErrorBody(new GatewayError('model_not_found'))

  assert.equal(body, '{"error":"The model does not exist here."}')
})
