// Compares whole answers with bytes on disk: what Ollama said, and what a client then reads.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { InnerRequest } from './dialect.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiCompletions } from './openai-completions.ts'
import { openAiEmbeddings } from './openai-embeddings.ts'

const chat = openAiChat({ choicesMax: 1 })
const completions = openAiCompletions({ choicesMax: 1 })

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, 'fixtures/openai', name), 'utf8')

const begin = (name: string, parse: (body: unknown) => InnerRequest) =>
  parse(JSON.parse(fixture(`${name}.request.json`))).startAnswer({
    requestId: 'req_gw1_0123456789abcdef01234567',
    createdS: 1795533308,
  })

for (const [name, said, parse] of [
  ['chat-stream', 'chat.ndjson', chat],
  ['chat-stream-usage', 'chat.ndjson', chat],
  ['chat-body', 'chat.ndjson', chat],
  ['think-stream', 'think.ndjson', chat],
  ['think-body', 'think.ndjson', chat],
  ['logprobs-stream', 'logprobs.ndjson', chat],
  ['logprobs-body', 'logprobs.ndjson', chat],
  ['tools-stream', 'tools.ndjson', chat],
  ['parallel-stream', 'parallel.ndjson', chat],
  ['parallel-body', 'parallel.ndjson', chat],
  ['forced-stream', 'forced.ndjson', chat],
  ['forced-body', 'forced.ndjson', chat],
  ['completion-stream', 'generate.ndjson', completions],
  ['completion-body', 'generate.ndjson', completions],
] as const) {
  test(`${name} is the same bytes whether lines come one by one or together`, () => {
    const lines = fixture(said).match(/.+\n/g) ?? []
    const lastLine = lines.at(-1) ?? ''
    const expected = fixture(`${name}.${name.includes('stream') ? 'sse' : 'body'}`)
    const [slow, fast] = [begin(name, parse), begin(name, parse)]

    const answers = lines.slice(0, -1).map((line) => slow.delta(Buffer.from(line)))
    const oneByOne = answers.join('') + slow.done(Buffer.from(lastLine))
    const together =
      fast.delta(Buffer.from(lines.slice(0, -1).join(''))).toString() +
      fast.done(Buffer.from(lastLine))

    assert.equal(oneByOne, expected)
    assert.equal(together, expected)
    assert.equal(slow.isStream, name.includes('stream'))
  })
}

for (const name of ['embeddings-float', 'embeddings-base64']) {
  test(`${name} is the same bytes wherever its one answer is cut`, () => {
    const said = Buffer.from(fixture('embed.answer'))
    for (const cut of [0, 1, 50, said.length]) {
      const encoder = begin(name, openAiEmbeddings)

      assert.equal(encoder.delta(said.subarray(0, cut)), '')
      assert.equal(encoder.done(said.subarray(cut)), fixture(`${name}.body`))
    }
  })
}
