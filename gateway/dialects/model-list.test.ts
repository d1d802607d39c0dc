import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeModels, modifiedS, resolveModel } from './model-list.ts'

const tag = (name: string, modified_at: string, more: Record<string, unknown> = {}) => ({
  name,
  model: name,
  modified_at,
  ...more,
})

test('the models of all regions are one list, newest first', () => {
  const models = mergeModels([
    {
      regionId: 'us-east',
      tags: [tag('a:latest', '2026-01-01T00:00:00Z'), tag('b:1b', '2026-01-03T00:00:00Z')],
    },
    { regionId: 'eu-central', tags: [tag('a:latest', '2026-01-02T01:00:00+02:00')] },
    { regionId: 'ap-southeast', tags: [] },
  ])

  assert.deepEqual(
    models.map(({ name, modifiedAt, regions }) => ({ name, modifiedAt, regions })),
    [
      { name: 'b:1b', modifiedAt: '2026-01-03T00:00:00Z', regions: ['us-east'] },
      {
        name: 'a:latest',
        modifiedAt: '2026-01-02T01:00:00+02:00',
        regions: ['us-east', 'eu-central'],
      },
    ],
  )
})

test('the newest region speaks for a model, and all of them for its capabilities', () => {
  const [model] = mergeModels([
    {
      regionId: 'one',
      tags: [
        tag('a', '2026-01-02T00:00:00Z', { digest: 'new', capabilities: ['completion', 'tools'] }),
      ],
    },
    {
      regionId: 'two',
      tags: [
        tag('A:latest', '2026-01-01T00:00:00Z', {
          digest: 'old',
          capabilities: ['completion', 'vision'],
        }),
      ],
    },
  ])

  assert.equal(model?.name, 'a')
  assert.deepEqual(model?.regions, ['one', 'two'])
  assert.deepEqual(
    model?.tag,
    tag('a', '2026-01-02T00:00:00Z', {
      digest: 'new',
      capabilities: ['completion', 'tools', 'vision'],
    }),
  )
})

test('a model without a time is listed as old as can be, one without a name not at all', () => {
  const models = mergeModels([
    {
      regionId: 'one',
      tags: [{ name: 'b', modified_at: 'soon' }, { name: 'a' }, { size: 1 }, { name: '' }],
    },
    { regionId: 'one', tags: [{ name: 'c', modified_at: '0001-01-01T00:00:00Z' }] },
  ])

  assert.deepEqual(
    models.map(({ name }) => name),
    ['a', 'b', 'c'],
  )
  assert.deepEqual(models.map(modifiedS), [0, 0, 0])
  assert.equal(models[0] && 'modifiedAt' in models[0], false)
})

test('a model is found by any spelling that Ollama would take for the same', () => {
  const models = mergeModels([
    { regionId: 'one', tags: [tag('qwen3:latest', ''), tag('hf.co/A/b:Q4', '')] },
  ])

  for (const asked of ['qwen3', 'qwen3:latest', 'QWEN3', 'Qwen3:Latest']) {
    assert.equal(resolveModel(models, asked)?.name, 'qwen3:latest', asked)
  }
  assert.equal(resolveModel(models, 'hf.co/a/B:q4')?.name, 'hf.co/A/b:Q4')
  for (const asked of ['qwen', 'qwen3:14b', 'hf.co/A/b', '']) {
    assert.equal(resolveModel(models, asked), undefined, asked)
  }
})
