import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadedModels, type LoadWish } from './loaded-models.ts'
import { catalogOf, type Model } from './model-catalog.ts'

const NEVER = new AbortController().signal
const AT_ONCE: LoadWish = { loadDelayMs: 0, reload: false, keepAliveMs: undefined }
const SLOWLY: LoadWish = { ...AT_ONCE, loadDelayMs: 20 }

function modelNamed(name: string): Model {
  const [model] = catalogOf([name])
  assert.ok(model)
  return model
}

const [A, B] = [modelNamed('a'), modelNamed('b')]
const namesOf = (models: LoadedModels) => models.list().map(({ model }) => model.name)

test('models are listed once loaded, the longest stay first, until they are unloaded', async () => {
  const models = new LoadedModels()
  assert.deepEqual(namesOf(models), [])
  await models.load(A, { ...AT_ONCE, keepAliveMs: 1_000 }, NEVER)
  await models.load(B, AT_ONCE, NEVER)
  assert.deepEqual(namesOf(models), ['b:latest', 'a:latest'])
  await models.load(A, { ...AT_ONCE, keepAliveMs: Number.POSITIVE_INFINITY }, NEVER)
  assert.deepEqual(namesOf(models), ['a:latest', 'b:latest'])
  models.unload(B)
  assert.deepEqual(namesOf(models), ['a:latest'])
})

test('a model is gone when its stay is over', async () => {
  const models = new LoadedModels()
  await models.load(A, { ...AT_ONCE, keepAliveMs: 0 }, NEVER)
  assert.deepEqual(namesOf(models), [])
})

test('loading takes its time once, and again when asked for or after unloading', async () => {
  const models = new LoadedModels()
  const took = async (wish: LoadWish): Promise<boolean> => {
    const beganAtMs = performance.now()
    await models.load(A, wish, NEVER)
    return performance.now() - beganAtMs >= 15
  }
  assert.equal(await took(SLOWLY), true)
  assert.equal(await took(SLOWLY), false)
  assert.equal(await took({ ...SLOWLY, reload: true }), true)
  models.unload(A)
  assert.equal(await took(SLOWLY), true)
})

test('several who want one model wait for one load; whoever leaves stops nobody', async () => {
  const models = new LoadedModels()
  const leaver = new AbortController()
  const first = models.load(A, SLOWLY, leaver.signal)
  const second = models.load(A, { ...SLOWLY, loadDelayMs: 3_600_000 }, NEVER)
  leaver.abort(new Error('gone'))
  await assert.rejects(first, { message: 'gone' })
  await second
  assert.deepEqual(namesOf(models), ['a:latest'])
  await assert.rejects(models.load(B, SLOWLY, leaver.signal), { message: 'gone' })
})
