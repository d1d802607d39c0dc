import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideRenewal } from './renewal.ts'

test('a certificate stays while enough of its life is left, to the millisecond', () => {
  const leftMs = [-1, 0, 99, 100, 101]
  const verdicts = leftMs.map((left) =>
    decideRenewal({ kind: 'usable', notAfterMs: 5_000 + left }, 5_000, 100),
  )

  assert.deepEqual(verdicts, ['renew', 'renew', 'renew', 'keep', 'keep'])
})

test('what cannot be used is made anew at any time', () => {
  assert.equal(decideRenewal({ kind: 'unusable' }, 0, 0), 'renew')
})
