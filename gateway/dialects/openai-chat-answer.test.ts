import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChatAnswerPlan, startChatAnswer } from './openai-chat-answer.ts'
import type { OpenAiEncoder } from './openai-encoder.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 7 }

function begin(plan: Partial<ChatAnswerPlan> = {}): OpenAiEncoder {
  const whole: ChatAnswerPlan = {
    model: 'm',
    isStream: true,
    includeUsage: false,
    reasoningFields: ['reasoning'],
    forcedFunction: undefined,
    oneCallOnly: false,
    estimateInput: () => 1,
    ...plan,
  }
  const [encoder] = startChatAnswer(whole, FACTS, 1)
  assert.ok(encoder)
  return encoder
}

const said = (message: object) => Buffer.from(`${JSON.stringify({ message, done: false })}\n`)
const last = Buffer.from('{"done":true,"done_reason":"stop"}\n')
const chunksOf = (frames: Buffer | string) =>
  frames
    .toString()
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)))

test('nothing commits before the first content, with which the role leaves', () => {
  const encoder = begin()

  assert.equal(encoder.delta(said({ content: '' })), '')
  const [role, content, ...rest] = chunksOf(encoder.delta(said({ content: 'a' })))
  assert.deepEqual(role.choices[0].delta, { role: 'assistant', content: '' })
  assert.deepEqual(content.choices[0].delta, { content: 'a' })
  assert.equal(rest.length, 0)
  assert.equal(chunksOf(encoder.delta(said({ content: 'b' }))).length, 1)
})

test('an answer without content still has its role, its reason and its end', () => {
  const frames = begin().done(last)

  assert.deepEqual(
    chunksOf(frames).map(({ choices: [choice] }) => [choice.delta, choice.finish_reason]),
    [
      [{ role: 'assistant', content: '' }, null],
      [{}, 'stop'],
    ],
  )
  assert.ok(frames.toString().endsWith('data: [DONE]\n\n'))
})

test('thinking is shown under every name that is configured', () => {
  const fields = { reasoning: 'hm', reasoning_content: 'hm' }
  const plan = { reasoningFields: ['reasoning', 'reasoning_content'] } as const
  const whole = begin({ ...plan, isStream: false })
  whole.delta(said({ thinking: 'hm' }))

  const [, chunk] = chunksOf(begin(plan).delta(said({ thinking: 'hm' })))
  const { message } = JSON.parse(whole.done(last).toString()).choices[0]

  assert.deepEqual(chunk.choices[0].delta, fields)
  assert.deepEqual(message, { role: 'assistant', content: '', refusal: null, ...fields })
})

test('every chunk of a stream says the same of itself, whatever the model is called', () => {
  const encoder = begin({ model: 'm"\n\\', includeUsage: true })

  const chunks = chunksOf(`${encoder.delta(said({ content: 'a' }))}${encoder.done(last)}`)

  assert.equal(chunks.length, 4)
  for (const { id, object, created, model } of chunks) {
    assert.deepEqual(
      [id, object, created, model],
      ['chatcmpl-gw1_0123456789abcdef01234567', 'chat.completion.chunk', 7, 'm"\n\\'],
    )
  }
  assert.deepEqual(
    chunks.map(({ usage }) => usage === null),
    [true, true, true, false],
  )
})

test('log-probabilities that came without a text leave with the reason', () => {
  const logprobs = [{ token: 'a', logprob: -1 }]
  const encoder = begin()
  encoder.delta(Buffer.from(JSON.stringify({ message: { content: '' }, logprobs })))

  const finish = chunksOf(encoder.done(last)).at(-1)

  assert.deepEqual(finish.choices[0].logprobs, {
    content: [{ token: 'a', logprob: -1, bytes: null, top_logprobs: [] }],
    refusal: null,
  })
})

test('texts that could break a frame or a line do not', () => {
  const odd = '\n\n\r\u2028data: [DONE]\n\n\ud800"\\\u0000é🙂'

  const [, chunk] = chunksOf(begin().delta(said({ content: odd })))

  assert.equal(chunk.choices[0].delta.content, odd)
})
