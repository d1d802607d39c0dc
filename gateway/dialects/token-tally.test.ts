import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelRecord } from './model-record.ts'
import { estimateInputTokens, openAiUsage, TokenTally } from './token-tally.ts'

const said = (text: string, more: Partial<ModelRecord> = {}): ModelRecord => ({
  text,
  thinking: '',
  calls: [],
  logprobs: [],
  end: undefined,
  ...more,
})
const end = (inputTokens?: number, outputTokens?: number, cachedTokens?: number): ModelRecord =>
  said('', { end: { reason: 'stop', inputTokens, outputTokens, cachedTokens } })

const notAsked = () => assert.fail('the prompt was counted and must not be estimated')

test('what Ollama counted is reported, and nothing is estimated', () => {
  const tally = new TokenTally(notAsked)

  tally.add(said('twelve bytes'))
  tally.add(end(7, 5))

  assert.deepEqual(tally.counted, { inputTokens: 7, outputTokens: 5 })
  assert.deepEqual([tally.inputTokens, tally.outputTokens, tally.isEstimated], [7, 5, false])
})

test('a counter that is missing is estimated and never 0', () => {
  const tally = new TokenTally(() => 9)

  tally.add(said('ab', { thinking: 'ż', calls: [{ name: 'f', arguments: '{"a":1}' }] }))
  tally.add(end(undefined, undefined))

  assert.deepEqual(tally.counted, {})
  assert.deepEqual([tally.inputTokens, tally.outputTokens, tally.isEstimated], [9, 3, true])
})

test('before the last line everything is an estimate of what has come', () => {
  const tally = new TokenTally(() => 9)
  tally.add(said('12345'))

  assert.deepEqual([tally.outputTokens, tally.isEstimated], [2, true])
})

test('a prompt is estimated from its JSON and its images, whatever kind of request it is', () => {
  const chat = { messages: [{ role: 'user', content: 'Hi' }], model: 'not counted', options: {} }
  const image = { role: 'user', content: 'Hi', images: ['A'.repeat(1_000_000)] }

  assert.equal(
    estimateInputTokens(chat),
    Math.ceil('{"messages":[{"role":"user","content":"Hi"}]}'.length / 4),
  )
  assert.equal(estimateInputTokens({ messages: [image] }), estimateInputTokens(chat) + 256)
  assert.equal(estimateInputTokens({ prompt: 'ż'.repeat(100) }), Math.ceil((200 + 13) / 4))
  assert.equal(
    estimateInputTokens({ input: ['a', 'b'] }),
    Math.ceil('{"input":["a","b"]}'.length / 4),
  )
})

test('usage counts the common prompt once and sums what the choices said', () => {
  const [first, second] = [new TokenTally(() => 99), new TokenTally(() => 99)]
  first.add(end(undefined, 5))
  second.add(end(7, 3, 6))

  assert.deepEqual(openAiUsage([first, second]), {
    prompt_tokens: 7,
    completion_tokens: 8,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 6 },
  })
})
