import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { refuseTokenArrays } from './token-arrays.ts'

for (const tokens of [[1, 2], [[1, 2], [3]], [[]]]) {
  test(`${JSON.stringify(tokens)} is refused as tokens`, () => {
    assert.throws(
      () => refuseTokenArrays({ input: tokens }, 'input'),
      (error) =>
        error instanceof GatewayError &&
        error.code === 'unsupported_parameter' &&
        error.param === 'input' &&
        /send text/.test(error.message),
    )
  })
}

for (const body of [
  null,
  1,
  {},
  { input: 'a' },
  { input: [] },
  { input: ['a', 'b'] },
  { input: ['a', 1] },
  { input: [{}] },
]) {
  test(`${JSON.stringify(body)} is left for the schema to judge`, () => {
    refuseTokenArrays(body, 'input')
  })
}
