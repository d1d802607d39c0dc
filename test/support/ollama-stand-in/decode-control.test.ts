import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeControlChange } from './decode-control.ts'

test('a change may say everything or nothing', () => {
  assert.deepEqual(decodeControlChange('{}'), {})
  const change = {
    reset: true,
    defaults: 'tokens=3',
    faults: [
      {
        faults: 'status=500',
        path: '/api/tags',
        model: 'x',
        promptIncludes: 'y',
        skip: 1,
        times: 2,
        every: 3,
      },
    ],
    freeze: false,
    refuse: true,
  }
  assert.deepEqual(decodeControlChange(JSON.stringify(change)), change)
})

const REFUSED: readonly (readonly [body: string, message: RegExp])[] = [
  ['', /want a JSON object/],
  ['[]', /want a JSON object/],
  ['{"frezee":true}', /frezee: unknown; known: reset, defaults, faults, freeze, refuse/],
  ['{"freeze":1}', /freeze: want a boolean/],
  ['{"faults":{}}', /faults: want a list of rules/],
  ['{"faults":[5]}', /faults\[0\]: want an object/],
  ['{"faults":[{}]}', /faults\[0\]\.faults: is missing/],
  ['{"faults":[{"faults":"","time":1}]}', /faults\[0\]\.time: unknown/],
  ['{"faults":[{"faults":"","times":"1"}]}', /faults\[0\]\.times: want a number/],
]

for (const [body, message] of REFUSED) {
  test(`the change ${body} is refused with ${message}`, () => {
    assert.throws(() => decodeControlChange(body), { status: 400, message })
  })
}
