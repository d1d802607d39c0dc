import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { catalogOf, findModel, isModelName } from './model-catalog.ts'

const CATALOG = catalogOf(['qwen3', 'smollm2:135m', 'all-minilm', 'me/llava:7b'])

test('a model is found by each of its names', () => {
  for (const name of [
    'qwen3',
    'qwen3:latest',
    'library/qwen3',
    'registry.ollama.ai/library/qwen3:latest',
  ]) {
    assert.equal(findModel(CATALOG, name, 'as-written')?.name, 'qwen3:latest', name)
  }
  assert.equal(findModel(CATALOG, 'me/llava:7b', 'as-written')?.name, 'me/llava:7b')
  assert.equal(findModel(CATALOG, 'smollm2', 'as-written'), undefined)
  assert.equal(findModel(CATALOG, '', 'any-case'), undefined)
})

test('case counts only where the caller says so', () => {
  assert.equal(findModel(CATALOG, 'SmolLM2:135M', 'as-written'), undefined)
  assert.equal(findModel(CATALOG, 'SmolLM2:135M', 'any-case')?.name, 'smollm2:135m')
})

test('the digest is that of the name, so that equal names are equal models everywhere', () => {
  const digest = createHash('sha256').update('qwen3:latest').digest('hex')
  assert.equal(CATALOG[0]?.digest, digest)
  assert.equal(catalogOf(['qwen3:latest'])[0]?.digest, digest)
})

test('capabilities follow the family that the name tells of, unless they are given', () => {
  const capabilities = (name: string) => catalogOf([name])[0]?.capabilities
  assert.deepEqual(capabilities('smollm2:135m'), ['completion', 'tools'])
  assert.deepEqual(capabilities('qwen3:14b'), ['completion', 'tools', 'thinking'])
  assert.deepEqual(capabilities('llava'), ['completion', 'vision', 'tools'])
  assert.deepEqual(capabilities('qwen2.5-coder'), ['completion', 'tools', 'insert'])
  assert.deepEqual(capabilities('nomic-embed-text'), ['embedding'])
  const [plain] = catalogOf([{ name: 'qwen3', capabilities: ['completion'] }])
  assert.deepEqual(plain?.capabilities, ['completion'])
})

test('details and the full name tell what the name tells', () => {
  const [qwen, smollm, , llava] = CATALOG
  assert.equal(qwen?.details.family, 'qwen3')
  assert.equal(smollm?.details.parameter_size, '135M')
  assert.equal(smollm?.fullName, 'registry.ollama.ai/library/smollm2:135m')
  assert.equal(llava?.fullName, 'registry.ollama.ai/me/llava:7b')
})

test('names with spaces, or of nothing, are none', () => {
  const names = ['x', 'x:y', 'hf.co/a/b:Q4', 'a b', '', '-x', 'x:', 'a/b/c/d']
  assert.deepEqual(names.map(isModelName), [true, true, true, false, false, false, false, false])
})
