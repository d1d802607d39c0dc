import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenSource } from './token-source.ts'

test('tokens are 32 hex digits, and none comes twice over many pools', () => {
  const source = new TokenSource()

  const tokens = Array.from({ length: 2_000 }, () => source.next())

  assert.ok(tokens.every((token) => /^[0-9a-f]{32}$/.test(token)))
  assert.equal(new Set(tokens).size, tokens.length)
})
