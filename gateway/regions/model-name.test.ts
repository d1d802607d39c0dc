import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalModel } from './model-name.ts'

const NAMES: readonly [name: string, canonical: string][] = [
  ['qwen3', 'qwen3:latest'],
  ['qwen3:latest', 'qwen3:latest'],
  ['Qwen3:14B', 'qwen3:14b'],
  ['library/qwen3', 'qwen3:latest'],
  ['host:5000/library/qwen3', 'host:5000/library/qwen3:latest'],
  ['host:5000/library/qwen3:4b', 'host:5000/library/qwen3:4b'],
  ['', ':latest'],
]

for (const [name, canonical] of NAMES) {
  test(`"${name}" is compared as "${canonical}"`, () => {
    assert.equal(canonicalModel(name), canonical)
  })
}
