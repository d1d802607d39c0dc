import assert from 'node:assert/strict'
import { test } from 'node:test'
import { affinityOf, CONVERSATION_CHARS_MAX } from './conversation-text.ts'

const system = { role: 'system', content: 'Be brief.' }
const question = { role: 'user', content: 'Hello?' }
const answer = { role: 'assistant', content: 'Hi.' }

test('the first field that names a conversation wins, and an empty name names nothing', () => {
  assert.deepEqual(affinityOf([undefined, null, '', 'chat-1', 'user-1'], [question]), {
    source: 'field',
    text: 'chat-1',
  })
})

test('every turn of a conversation has the same key, and another question another', () => {
  const first = affinityOf([], [system, question])
  const second = affinityOf([], [system, question, answer, { role: 'user', content: 'More.' }])
  const other = affinityOf([], [system, { role: 'user', content: 'Goodbye?' }])

  assert.deepEqual(first, { source: 'messages', text: 'system\nBe brief.\nuser\nHello?\n' })
  assert.deepEqual(second, first)
  assert.notDeepEqual(other, first)
})

test('who says something is part of the key', () => {
  assert.notDeepEqual(
    affinityOf([], [{ role: 'system', content: 'Hello?' }]),
    affinityOf([], [question]),
  )
})

test('a long beginning is cut, so that what follows it does not matter', () => {
  const long = { role: 'system', content: 'x'.repeat(100_000) }

  const key = affinityOf([], [long, question])

  assert.equal(key.source, 'messages')
  assert.equal(key.source === 'messages' && key.text.length, CONVERSATION_CHARS_MAX)
  assert.deepEqual(affinityOf([], [long, answer]), key)
})

test('no name and no text keep nothing together', () => {
  assert.deepEqual(affinityOf([], []), { source: 'none' })
  assert.deepEqual(affinityOf([''], [{ role: 'user', content: '' }]), { source: 'none' })
})
