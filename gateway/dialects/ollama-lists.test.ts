import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mergeModels } from './model-list.ts'
import { ollamaPsBody, ollamaTagsBody, ollamaVersionBody } from './ollama-lists.ts'

const recorded = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/ollama-0.13.5', name), 'utf8'))

test('the tags of one region are what its server said, in order, with the region beside', () => {
  const { models } = recorded('tags.whole.json')

  const body = ollamaTagsBody(mergeModels([{ regionId: 'eu', tags: models }]))

  assert.equal(
    JSON.stringify(body),
    JSON.stringify({
      models: models.map((model: object) => ({ ...model, meridian: { regions: ['eu'] } })),
    }),
  )
})

test('a model of two regions is told once, with the newest time and all capabilities', () => {
  const tag = { name: 'x:latest', model: 'x:latest', digest: 'a', meridian: 'not ours' }
  const older = { ...tag, modified_at: '2026-01-01T00:00:00Z', capabilities: ['tools'] }
  const newer = { ...tag, modified_at: '2026-01-02T00:00:00Z', capabilities: ['vision'] }

  const body = ollamaTagsBody(
    mergeModels([
      { regionId: 'eu', tags: [older] },
      { regionId: 'us', tags: [newer] },
    ]),
  )

  assert.deepEqual(body, {
    models: [
      {
        ...newer,
        capabilities: ['tools', 'vision'],
        meridian: { regions: ['eu', 'us'] },
      },
    ],
  })
})

test('a model without a time is told without one', () => {
  const body = ollamaTagsBody([{ name: 'x', regions: ['eu'], tag: { name: 'x' } }])

  assert.deepEqual(body, { models: [{ name: 'x', meridian: { regions: ['eu'] } }] })
})

test('what one region has loaded is what its server said, with the region beside', () => {
  const { models } = recorded('ps.whole.json')

  const body = ollamaPsBody([{ regionId: 'eu', loaded: models }])

  assert.equal(
    JSON.stringify(body),
    JSON.stringify({
      models: models.map((model: object) => ({ ...model, meridian: { regions: ['eu'] } })),
    }),
  )
})

const loaded = (model: string, expiresAt: string, more: object = {}) => ({
  name: model,
  model,
  expires_at: expiresAt,
  size_vram: 0,
  context_length: 2_048,
  ...more,
})

test('of a model in two regions the one where it stays longest speaks', () => {
  const short = loaded('x:latest', '2026-11-24T16:00:00+00:00', { size_vram: 1 })
  const long = loaded('X', '2026-11-24T17:00:00.5+01:00', { size_vram: 2 })

  const body = ollamaPsBody([
    { regionId: 'eu', loaded: [short, short] },
    { regionId: 'us', loaded: [long] },
  ])

  assert.deepEqual(body, { models: [{ ...long, meridian: { regions: ['eu', 'us'] } }] })
})

test('an alias and its target are both loaded, also when they share one blob', () => {
  const at = '2026-11-24T16:00:00Z'
  const both = [loaded('x', at, { digest: 'a' }), loaded('alias', at, { digest: 'a' })]

  const { models } = ollamaPsBody([{ regionId: 'eu', loaded: both }])

  assert.deepEqual(
    models.map(({ name }) => name),
    ['x', 'alias'],
  )
})

test('what stays longest comes first, and what has no readable time last', () => {
  const { models } = ollamaPsBody([
    {
      regionId: 'eu',
      loaded: [
        loaded('never', 'soon'),
        loaded('a', '2026-11-24T16:00:00Z'),
        loaded('for ever', '2318-12-06T08:00:00Z'),
        { size: 1 },
      ],
    },
  ])

  assert.deepEqual(
    models.map(({ name }) => name),
    ['for ever', 'a', 'never'],
  )
})

test('no regions make empty lists, never null', () => {
  assert.deepEqual(ollamaTagsBody([]), { models: [] })
  assert.deepEqual(ollamaPsBody([{ regionId: 'eu', loaded: [] }]), { models: [] })
})

test('the version is the lowest of all regions', () => {
  assert.deepEqual(ollamaVersionBody(['0.14.0', '0.13.5', '']), { version: '0.13.5' })
})
