import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeChat, decodeGenerate } from './decode-request.ts'
import { ASSISTANT_TURN, countTokens, lastUserText, renderPrompt } from './render-prompt.ts'

const chat = (body: object) => decodeChat(JSON.stringify(body))
const generate = (body: object) => decodeGenerate(JSON.stringify(body))

test('messages become turns, and the assistant’s is opened', () => {
  const messages = [
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: 'See.', images: ['aGk=', 'aGk='] },
    { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f' } }] },
  ]
  assert.equal(
    renderPrompt(chat({ messages }), false),
    '<|im_start|>system\nBe kind.<|im_end|>\n' +
      '<|im_start|>user\n[img-0][img-1]See.<|im_end|>\n' +
      '<|im_start|>assistant\n\n' +
      '<tool_call>\n[{"function":{"name":"f"}}]\n</tool_call><|im_end|>\n' +
      ASSISTANT_TURN,
  )
})

test('a model that must not think gets an empty thought', () => {
  const request = chat({ messages: [{ role: 'user', content: 'x' }], think: false })
  assert.ok(renderPrompt(request, true).endsWith(`${ASSISTANT_TURN}<think>\n\n</think>\n\n`))
  assert.ok(renderPrompt(request, false).endsWith(ASSISTANT_TURN))
})

test('tools stand before everything else', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const prompt = renderPrompt(chat({ messages: [{ role: 'user', content: 'x' }], tools }), false)
  assert.ok(prompt.startsWith('<|im_start|>system\n# Tools\n[{"name":"f"}]<|im_end|>\n'))
})

test('raw prompts, own templates and gaps to fill in are rendered as the client wants', () => {
  assert.equal(renderPrompt(generate({ prompt: 'p', raw: true }), false), 'p')
  const template = '{{ .System }}: {{- .Prompt }}!'
  assert.equal(renderPrompt(generate({ prompt: '$&', system: 's', template }), false), 's: $&!')
  const gap = renderPrompt(generate({ prompt: 'a', suffix: 'b' }), false)
  assert.equal(gap, '<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>')
  assert.equal(renderPrompt(generate({}), false), '')
})

test('the last user text is found in messages, in prompts and in raw prompts', () => {
  const messages = [
    { role: 'user', content: 'first' },
    { role: 'user', content: 'last' },
    { role: 'tool', content: 'result' },
  ]
  assert.equal(lastUserText(chat({ messages })), 'last')
  assert.equal(lastUserText(chat({})), '')
  assert.equal(lastUserText(generate({ prompt: 'p', system: 's' })), 'p')
  const prompt = `${renderPrompt(chat({ messages }), false)}w1 w2`
  assert.equal(lastUserText(generate({ prompt, raw: true })), 'last')
  assert.equal(lastUserText(generate({ prompt: 'plain', raw: true })), 'plain')
})

test('tokens grow with the prompt and are never none', () => {
  assert.deepEqual(['', 'abcd', 'abcde', 'x'.repeat(400)].map(countTokens), [1, 1, 2, 100])
})
