import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tool } from './openai-chat-schema.ts'
import { parametersOf, planTools, withForcedFunction } from './openai-tools.ts'

const tool = (name: string, more: Partial<Tool['function']> = {}): Tool => ({
  type: 'function',
  function: { name, ...more },
})
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } } }

test('tools are offered as Ollama has them: without strict, always with parameters', () => {
  const plan = planTools(
    [tool('f', { strict: true, parameters }), tool('g', { description: 'd' })],
    null,
  )

  assert.deepEqual(plan, {
    kind: 'offered',
    tools: [
      { type: 'function', function: { name: 'f', parameters } },
      {
        type: 'function',
        function: { name: 'g', description: 'd', parameters: { type: 'object', properties: {} } },
      },
    ],
  })
})

test('no tools, or tools that must not be called, are withheld', () => {
  assert.deepEqual(planTools([], undefined), { kind: 'none' })
  assert.deepEqual(planTools([], 'auto'), { kind: 'none' })
  assert.deepEqual(planTools([tool('f')], 'none'), { kind: 'none' })
})

test('a function is forced by its name, or by being the only one that can be called', () => {
  const [f, g] = [tool('f'), tool('g')]

  assert.deepEqual(planTools([f, g], { type: 'function', function: { name: 'g' } }), {
    kind: 'forced',
    called: g.function,
  })
  assert.deepEqual(planTools([f], 'required'), { kind: 'forced', called: f.function })
})

test('what cannot be forced is refused', () => {
  assert.throws(() => planTools([tool('f'), tool('g')], 'required'), /name the function/)
  assert.throws(() => planTools([], 'required'), /there are no tools/)
  assert.throws(
    () => planTools([tool('f')], { type: 'function', function: { name: 'g' } }),
    /no tool has this name/,
  )
})

test('a forced function is described in the first system message, or in a new one', () => {
  const user = { role: 'user' as const, content: 'Weather?' }
  const called = { name: 'f', description: 'Looks out.', parameters }

  const [line] = withForcedFunction([user], called)
  const added = withForcedFunction([{ role: 'system', content: 'Be brief.' }, user], called)
  const filled = withForcedFunction([{ role: 'system', content: '' }, user], called)

  assert.equal(line?.role, 'system')
  assert.match(line?.content ?? '', /"f".*\(Looks out\.\).*"city"/)
  assert.deepEqual(added, [{ role: 'system', content: `Be brief.\n\n${line?.content}` }, user])
  assert.deepEqual(filled, [line, user])
})

test('a function without parameters takes an empty object', () => {
  assert.deepEqual(parametersOf({ name: 'f', parameters: null }), {
    type: 'object',
    properties: {},
  })
})
