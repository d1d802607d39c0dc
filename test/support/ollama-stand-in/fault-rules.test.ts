import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FaultRule, FaultRules } from './fault-rules.ts'
import { FaultSyntaxError } from './faults.ts'

const CHAT = { path: '/api/chat', model: 'x', promptText: 'Say hello.' }

function rulesOf(...rules: readonly FaultRule[]): FaultRules {
  const all = new FaultRules()
  all.replace(rules)
  return all
}

/** Asks for so many equal requests and tells which were harmed, counted from 1. */
function harmed(rules: FaultRules, count: number, subject = CHAT): readonly number[] {
  const turns = Array.from({ length: count }, (_, at) => at + 1)
  return turns.filter(() => rules.faultsFor(subject).status === 500)
}

const TURNS: readonly (readonly [rule: Partial<FaultRule>, turns: readonly number[]])[] = [
  [{}, [1, 2, 3, 4, 5, 6]],
  [{ times: 2 }, [1, 2]],
  [{ skip: 2, times: 1 }, [3]],
  [{ every: 3 }, [3, 6]],
  [{ skip: 1, every: 2, times: 2 }, [3, 5]],
  [{ times: 0 }, []],
]

for (const [rule, turns] of TURNS) {
  test(`a rule with ${JSON.stringify(rule)} harms of six requests: ${turns}`, () => {
    assert.deepEqual(harmed(rulesOf({ faults: 'status=500', ...rule }), 6), turns)
  })
}

test('a rule without path is about generations, and any path can be named', () => {
  const rules = rulesOf({ faults: 'status=500' })
  assert.deepEqual(harmed(rules, 1, { ...CHAT, path: '/api/generate' }), [1])
  assert.deepEqual(harmed(rules, 1, { ...CHAT, path: '/api/tags' }), [])
  assert.deepEqual(harmed(rules, 1, { ...CHAT, path: '/api/embed' }), [])
  const tags = rulesOf({ faults: 'status=500', path: '/api/tags' })
  assert.deepEqual(harmed(tags, 1), [])
  assert.deepEqual(harmed(tags, 1, { ...CHAT, path: '/api/tags' }), [1])
})

test('a rule can be about one model or about what the user says', () => {
  assert.deepEqual(harmed(rulesOf({ faults: 'status=500', model: 'y' }), 1), [])
  assert.deepEqual(harmed(rulesOf({ faults: 'status=500', promptIncludes: 'bye' }), 1), [])
  assert.deepEqual(harmed(rulesOf({ faults: 'status=500', promptIncludes: 'hello' }), 1), [1])
})

test('all rules that match act together, and each reports its harm', () => {
  const rules = rulesOf({ faults: 'end-after=1', times: 1 }, { faults: 'tokens=3,hang-after=2' })
  const { tokens, breaks } = rules.faultsFor(CHAT)
  assert.deepEqual([tokens, breaks?.length], [3, 2])
  rules.faultsFor(CHAT)
  assert.deepEqual(
    rules.report().map((rule) => rule.harmed),
    [1, 2],
  )
})

test('wrong rules change nothing', () => {
  const rules = rulesOf({ faults: 'status=500' })
  assert.throws(() => rules.replace([{ faults: 'typo' }]), FaultSyntaxError)
  assert.throws(() => rules.replace(Array(101).fill({ faults: '' })), RangeError)
  assert.deepEqual(harmed(rules, 1), [1])
})
