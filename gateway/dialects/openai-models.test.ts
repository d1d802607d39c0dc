import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeModels } from './model-list.ts'
import { openAiModel, openAiModelList } from './openai-models.ts'

const entries = mergeModels([
  {
    regionId: 'one',
    tags: [
      { name: 'smollm2:135m', modified_at: '2026-11-24T15:15:07.316801312Z' },
      { name: 'hf.co/someone/model:Q4' },
    ],
  },
])

test('models are listed with whole seconds and their namespace as owner', () => {
  assert.deepEqual(openAiModelList(entries), {
    object: 'list',
    data: [
      { id: 'smollm2:135m', object: 'model', created: 1795533307, owned_by: 'library' },
      { id: 'hf.co/someone/model:Q4', object: 'model', created: 0, owned_by: 'someone' },
    ],
  })
})

test('one model looks as it does in the list, and no models are an empty list', () => {
  const list = openAiModelList(entries)

  assert.deepEqual(entries.map(openAiModel), list.data)
  assert.deepEqual(openAiModelList([]), { object: 'list', data: [] })
})
