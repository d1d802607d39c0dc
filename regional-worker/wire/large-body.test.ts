import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BODY_PART_BYTES,
  bodyPartsOf,
  bodySubject,
  bodySubjectPrefix,
  decodeBodyPlace,
  decodePartRequest,
  encodeLargeBody,
  encodePartRequest,
} from './large-body.ts'

const TOKEN = '0123456789abcdef0123456789abcdef'

test('a body has as many parts as it takes, and never none', () => {
  assert.deepEqual(
    [0, 1, BODY_PART_BYTES, BODY_PART_BYTES + 1, 10 * BODY_PART_BYTES].map(bodyPartsOf),
    [1, 1, 1, 2, 10],
  )
})

test('what an ingress writes about a body that lies with it, a worker reads', () => {
  const subject = bodySubject('i-1', TOKEN)
  const value = encodeLargeBody({ parts: 3, subject })

  assert.equal(value, `parts=3;subject=_INBOX.ingress.i-1.body.${TOKEN}`)
  assert.deepEqual(decodeBodyPlace(value), { kind: 'parts', parts: 3, subject })
  assert.ok(subject.startsWith(`${bodySubjectPrefix('i-1')}.`))
})

test('without the header the message holds the body', () => {
  assert.deepEqual(decodeBodyPlace(''), { kind: 'inline' })
})

for (const [fault, value] of [
  ['no parts', `parts=0;subject=_INBOX.ingress.i1.body.${TOKEN}`],
  ['too many parts', `parts=257;subject=_INBOX.ingress.i1.body.${TOKEN}`],
  ['a wildcard', `parts=1;subject=_INBOX.ingress.*.body.${TOKEN}`],
  ['a foreign subject', 'parts=1;subject=$JS.API.STREAM.DELETE.INTERACTIVE'],
  ['a short token', 'parts=1;subject=_INBOX.ingress.i1.body.abc'],
  ['an id that is none', `parts=1;subject=_INBOX.ingress.-.body.${TOKEN}`],
  ['something behind', `parts=1;subject=_INBOX.ingress.i1.body.${TOKEN};x=1`],
] as const) {
  test(`a place with ${fault} can never be run`, () => {
    assert.deepEqual(decodeBodyPlace(value), { kind: 'problem' })
  })
}

test('a part is asked for by its index, and there is none but those of the body', () => {
  assert.equal(decodePartRequest(encodePartRequest(0), 3), 0)
  assert.equal(decodePartRequest(encodePartRequest(2), 3), 2)
  for (const text of ['3', '-1', '', '1.5', ' 1', '1e0', '0000']) {
    assert.equal(decodePartRequest(text, 3), undefined)
  }
})
