import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS, type ErrorCode, GatewayError } from '../errors.ts'
import { openAiErrorBody } from './openai-error.ts'

test('every error has its four keys, param as null where no field is at fault', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { error } = JSON.parse(openAiErrorBody(new GatewayError(code)))

    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code'])
    assert.equal(error.code, code)
    assert.equal(error.type, ERRORS[code].type)
    assert.equal(error.param, null)
    assert.match(error.message, /\.$/)
  }
})

test('an error names the field at fault', () => {
  const error = new GatewayError('invalid_value', { message: 'No.', param: 'messages[0].role' })

  const { param, message } = JSON.parse(openAiErrorBody(error)).error
  assert.deepEqual({ param, message }, { param: 'messages[0].role', message: 'No.' })
})
