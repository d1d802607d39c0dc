import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { startScriptedOllama } from '../../test/support/scripted-ollama.ts'
import { ModelFacts } from './model-facts.ts'
import { LOADED_EVERY_MS, startModelList, TAGS_EVERY_MS } from './model-list.ts'
import { createOllamaClient } from './ollama-client.ts'

test('models, those in memory and the kind of the server are learnt at once', async () => {
  await using ollama = await startScriptedOllama(() => undefined, {
    models: ['a:latest', 'b:latest'],
    loaded: ['a:latest'],
    version: '0.13.5-standin',
  })
  await using watched = watch(ollama.url)

  await eventually('the version is known', () => watched.list.server.version !== '')
  const models = await eventually('all is known', () => {
    const announced = watched.facts.announce()
    return announced['a:latest']?.loaded === true && announced
  })

  assert.deepEqual(Object.keys(models), ['a:latest', 'b:latest'])
  assert.equal(models['b:latest']?.loaded, false)
  assert.deepEqual(watched.list.server, { kind: 'stand-in', version: '0.13.5-standin' })
  assert.equal(watched.list.isAnswering, true)
})

test('a list that is in doubt is asked for again at once', async () => {
  await using ollama = await startScriptedOllama(() => undefined)
  await using watched = watch(ollama.url)
  await eventually('the first list is known', () => watched.names().length === 1)

  ollama.models = ['m:latest', 'new:latest']
  await eventually('the last answer is through', () => {
    watched.list.refresh()
    return watched.names().includes('new:latest')
  })
})

test('a server that refuses connections is unhealthy at once, until it is back', async () => {
  const ollama = await startScriptedOllama(() => undefined)
  await using watched = watch(ollama.url)
  await eventually('it answers', () => watched.list.isAnswering)

  await ollama.close()
  watched.list.refresh()
  await eventually('its absence is noticed', () => !watched.list.isAnswering)

  await using again = await startScriptedOllama(() => undefined, { port: ollama.port })
  watched.list.refresh()
  await eventually('it answers again', () => watched.list.isAnswering)
  assert.ok(again.asked.length > 0)
})

test('a server that answers too slowly is not healthy after five seconds', () => {
  let nowMs = 0
  const asked = Promise.withResolvers<unknown>()
  const list = startModelList({
    ollama: { ask: () => asked.promise },
    facts: new ModelFacts({ queues: ['cpu'], modelQueues: new Map() }),
    nowMs: () => nowMs,
    onChange: () => undefined,
  })
  assert.equal(list.isAnswering, false, 'it has never answered')
  nowMs = 1e6
  assert.equal(list.isAnswering, false)
  list.close()
})

test('models are asked for every 5 s and those in memory every 2 s, one at a time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked: string[] = []
  const list = startModelList({
    ollama: {
      ask: async (path) => {
        asked.push(path)
        return { models: [], version: '1' }
      },
    },
    facts: new ModelFacts({ queues: ['cpu'], modelQueues: new Map() }),
    nowMs: () => 0,
    onChange: () => undefined,
  })
  const count = (path: string): number => asked.filter((one) => one === path).length

  for (let ms = 0; ms < 10_000; ms += 500) {
    await settled()
    t.mock.timers.tick(500)
  }

  assert.equal(count('/api/ps'), 1 + 10_000 / LOADED_EVERY_MS)
  assert.equal(count('/api/tags'), 1 + 10_000 / TAGS_EVERY_MS)
  list.close()
})

test('what is in doubt while a question is open is asked once more behind it', async () => {
  const answers: PromiseWithResolvers<unknown>[] = []
  const list = startModelList({
    ollama: {
      ask: (path) => {
        const answer = Promise.withResolvers<unknown>()
        if (path === '/api/tags') answers.push(answer)
        return answer.promise
      },
    },
    facts: new ModelFacts({ queues: ['cpu'], modelQueues: new Map() }),
    nowMs: () => 0,
    onChange: () => undefined,
  })
  list.refresh()
  list.refresh()
  assert.equal(answers.length, 1)

  answers[0]?.resolve({ models: [] })
  await settled()

  assert.equal(answers.length, 2)
  list.close()
})

test('after close nothing is asked and no answer has an effect', async () => {
  const answer = Promise.withResolvers<unknown>()
  let changes = 0
  const list = startModelList({
    ollama: { ask: () => answer.promise },
    facts: new ModelFacts({ queues: ['cpu'], modelQueues: new Map() }),
    nowMs: () => 0,
    onChange: () => {
      changes += 1
    },
  })
  list.close()
  list.close()
  answer.resolve({ version: '1' })
  await settled()

  assert.equal(changes, 0)
  assert.equal(list.server.version, '')
})

function watch(url: string) {
  const ollama = createOllamaClient(url, 1)
  const facts = new ModelFacts({ queues: ['cpu'], modelQueues: new Map() })
  const nowMs = (): number => performance.now()
  const list = startModelList({ ollama, facts, nowMs, onChange: () => undefined })
  return {
    list,
    facts,
    names: () => Object.keys(facts.announce()),
    [Symbol.asyncDispose]: async () => {
      list.close()
      await ollama.close()
    },
  }
}

/** Lets everything happen that waits for promises only. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
