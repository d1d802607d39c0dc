import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lowestVersion } from './ollama-version.ts'

// Lowest first, as semver.org orders them.
const ASCENDING = [
  '0.0.0',
  '0.5',
  '0.9.9',
  '0.13.4',
  '0.13.5-0',
  '0.13.5-rc',
  '0.13.5-rc.1',
  '0.13.5-rc.2',
  '0.13.5-rc.10',
  '0.13.5-rc.beta',
  '0.13.5-standin',
  '0.13.5',
  'v0.13.6',
  '0.100.0',
  '1.0.0-standin',
  '1.0.0+build.5',
  '10.0.0',
]

test('of any two versions the lower one is found, in either order', () => {
  for (const [at, low] of ASCENDING.entries()) {
    for (const high of ASCENDING.slice(at + 1)) {
      assert.equal(lowestVersion([low, high]), low)
      assert.equal(lowestVersion([high, low]), low)
    }
  }
})

test('the lowest of any versions is found wherever it stands', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(ASCENDING.length - 1), { minLength: 1 }), (picks) => {
      const found = lowestVersion(picks.map((pick) => ASCENDING[pick] ?? ''))

      assert.equal(found, ASCENDING[Math.min(...picks)])
    }),
  )
})

test('what is no version is skipped, and none at all is 0.0.0', () => {
  assert.equal(lowestVersion(['', 'none', '1', '0.13.5 ', '0.14.0']), '0.14.0')
  assert.equal(lowestVersion(['']), '0.0.0')
  assert.equal(lowestVersion([]), '0.0.0')
})
