import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkType, goJson, isObject, parseBody } from './go-json.ts'
import { Refusal } from './refusal.ts'

const FIELDS = { model: 'string', stream: 'bool', top: 'int', list: '[]api.X', options: 'map' }

test('angle brackets, ampersands and line separators are escaped as Go escapes them', () => {
  assert.equal(goJson({ a: '<b>&\u2028\u2029ä' }), '{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029ä"}')
})

test('known fields of the right type, unknown fields and null pass', () => {
  const body = '{"model":"x","stream":false,"top":1,"list":[],"options":{},"new":[1]}'
  assert.deepEqual(parseBody(body, 'api.R', FIELDS), JSON.parse(body))
  assert.deepEqual(parseBody('{"model":null,"stream":null}', 'api.R', FIELDS), {})
})

const REFUSED: readonly (readonly [body: string, message: string])[] = [
  ['', 'missing request body'],
  [' \n', 'missing request body'],
  ['{"a":', 'unexpected EOF'],
  ['{"a":"b', 'unexpected EOF'],
  ['{"a":1', 'unexpected EOF'],
  ['{bad', "invalid character 'b' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" "b"}', `invalid character '"' after object key`],
  ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
  ['[1 2]', "invalid character '2' after array element"],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['[]', 'json: cannot unmarshal array into Go value of type api.R'],
  ['null', 'json: cannot unmarshal null into Go value of type api.R'],
  ['{"model":5}', 'json: cannot unmarshal number into Go struct field R.model of type string'],
  ['{"stream":"x"}', 'json: cannot unmarshal string into Go struct field R.stream of type bool'],
  ['{"top":true}', 'json: cannot unmarshal bool into Go struct field R.top of type int'],
  ['{"list":{}}', 'json: cannot unmarshal object into Go struct field R.list of type []api.X'],
  ['{"options":[]}', 'json: cannot unmarshal array into Go struct field R.options of type map'],
]

for (const [body, message] of REFUSED) {
  test(`the body ${body} is refused with: ${message}`, () => {
    assert.throws(() => parseBody(body, 'api.R', FIELDS), new Refusal(400, message))
  })
}

test('a value by itself is checked the same way, and any type can be wanted', () => {
  checkType('x', 'string', 'R.a')
  checkType(5, 'any', 'R.a')
  assert.throws(() => checkType(5, 'string', 'R.a'), { status: 400 })
})

test('only JSON objects are objects', () => {
  assert.deepEqual([{}, [], null, 'x'].map(isObject), [true, false, false, false])
})
