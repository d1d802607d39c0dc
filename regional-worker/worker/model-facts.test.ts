import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModelFacts } from './model-facts.ts'
import type { ModelTag } from './ollama-answers.ts'

test('a model belongs to its queue, and to the first one where none is named', () => {
  const facts = factsOf({ modelQueues: new Map([['Big', 'gpu']]) })
  facts.setTags([tagOf('small:latest'), tagOf('big:latest')])

  const models = facts.announce()

  assert.equal(models['small:latest']?.queue, 'cpu')
  assert.equal(models['big:latest']?.queue, 'gpu')
})

test('a model of a queue that this worker does not serve is not offered', () => {
  const facts = factsOf({ queues: ['cpu'], modelQueues: new Map([['big', 'gpu']]) })
  facts.setTags([tagOf('small:latest'), tagOf('big:latest')])

  assert.deepEqual(Object.keys(facts.announce()), ['small:latest'])
})

test('a model is announced with its digest, its tag and whether it is in memory', () => {
  const facts = factsOf()
  facts.setTags([tagOf('a:latest'), tagOf('b:latest')])
  facts.setLoaded(['A'])

  assert.deepEqual(facts.announce()['a:latest'], {
    queue: 'cpu',
    digest: 'digest of a:latest',
    loaded: true,
    tag: { name: 'a:latest' },
  })
  assert.equal(facts.announce()['b:latest']?.loaded, false)
})

test('a model is resident from its first output until it is seen to be out of memory', () => {
  const facts = factsOf()
  facts.setTags([tagOf('a:latest')])
  facts.setLoaded(['a:latest'])
  assert.equal(facts.residentSinceMs('a'), undefined, 'a model in the list may still be loading')

  facts.noteOutput('a', 1_000)
  facts.noteOutput('a', 2_000)
  facts.setLoaded(['a:latest'])
  assert.equal(facts.residentSinceMs('a:latest'), 1_000)

  facts.setLoaded([])
  assert.equal(facts.residentSinceMs('a'), undefined)
})

test('service time and prefill are moving means of what was measured', () => {
  const facts = factsOf()
  facts.setTags([tagOf('a:latest')])
  assert.equal(facts.prefillMsPerToken('a'), 5)

  facts.noteDone('a', 1_000, { promptTokens: 100, promptMs: 200 })
  facts.noteDone('a', 2_000, { promptTokens: 100, promptMs: 700 })

  assert.equal(facts.announce()['a:latest']?.serviceMeanMs, 1_200)
  assert.equal(facts.prefillMsPerToken('a'), 3)
})

test('an answer without a count of its prompt measures no prefill', () => {
  const facts = factsOf()
  facts.noteDone('a', 1_000, { promptMs: 200 })
  facts.noteDone('a', 1_000, { promptTokens: 0, promptMs: 200 })

  assert.equal(facts.prefillMsPerToken('a'), 5)
})

test('what was measured of a model that is gone is forgotten', () => {
  const facts = factsOf()
  facts.setTags([tagOf('a:latest')])
  facts.noteDone('a', 1_000, {})
  facts.setTags([])
  facts.setTags([tagOf('a:latest')])

  assert.equal(facts.announce()['a:latest']?.serviceMeanMs, undefined)
})

test('tags that would make the heartbeat too large are left out and counted', () => {
  const facts = factsOf()
  const long = 'x'.repeat(90_000)
  facts.setTags(['a', 'b', 'c'].map((name) => ({ ...tagOf(name), tag: { name, long } })))

  assert.deepEqual(Object.keys(facts.announce()), ['a', 'b'])
  assert.equal(facts.omitted, 1)
})

function factsOf(options: Partial<ConstructorParameters<typeof ModelFacts>[0]> = {}): ModelFacts {
  return new ModelFacts({ queues: ['cpu', 'gpu'], modelQueues: new Map(), ...options })
}

function tagOf(name: string): ModelTag {
  return { name, digest: `digest of ${name}`, tag: { name } }
}
