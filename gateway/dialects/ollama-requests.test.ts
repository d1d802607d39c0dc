// What holds for every request of `/api`, whatever somebody sends. Seeds are printed on failure.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import type { InnerRequest } from './dialect.ts'
import { parseOllamaChat } from './ollama-chat.ts'
import { parseOllamaEmbed, parseOllamaEmbeddings } from './ollama-embed.ts'
import { parseOllamaGenerate } from './ollama-generate.ts'
import { parseOllamaShow } from './ollama-show.ts'

const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }

const PARSERS = [
  parseOllamaChat,
  parseOllamaGenerate,
  parseOllamaEmbed,
  parseOllamaEmbeddings,
  parseOllamaShow,
]

const json = fc.jsonValue({ maxDepth: 3 })

/** Mostly right, because of random JSON nothing but the first check would ever see anything. */
const mostly = <T>(right: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: json })

const name = mostly(fc.constantFrom('x', 'library/x:latest', '_x.y', ''))
const images = mostly(fc.array(fc.constantFrom('aGk=', 'data:image/png;base64,aGk=', 'data:')))

const message = fc.record(
  {
    role: mostly(fc.constantFrom('user', 'ASSISTANT')),
    content: mostly(fc.string()),
    images,
    tool_calls: json,
  },
  { requiredKeys: [] },
)

const body = fc.record(
  {
    model: name,
    name,
    messages: mostly(fc.array(message)),
    prompt: mostly(fc.string()),
    input: mostly(fc.oneof(fc.string(), fc.array(fc.string()))),
    context: mostly(fc.array(fc.nat())),
    images,
    stream: mostly(fc.boolean()),
    think: mostly(fc.constantFrom(true, 'low')),
    format: mostly(fc.constantFrom('json', {})),
    options: mostly(fc.dictionary(fc.constantFrom('new', 'newer'), json)),
    MODEL: name,
    newest: json,
  },
  { requiredKeys: ['model'] },
)

/** The inner form, or the status of the refusal; whatever else is thrown fails the test. */
function outcomeOf(parse: (body: unknown) => InnerRequest, sent: unknown): InnerRequest | number {
  try {
    return parse(sent)
  } catch (error) {
    if (error instanceof GatewayError) return error.status
    throw error
  }
}

test('whatever is sent becomes an inner request or a 400', () => {
  fc.assert(
    fc.property(mostly(body), fc.constantFrom(...PARSERS), (sent, parse) => {
      const outcome = outcomeOf(parse, sent)
      if (outcome === 400) return

      assert.ok(typeof outcome === 'object')
      assert.match(outcome.model, /^\S+$/)
      assert.equal(outcome.body.model, outcome.model)
      assert.ok(Object.keys(outcome.body).every((key) => !key.startsWith('_')))
      const { isStream } = outcome.startAnswer(FACTS)
      const streams = outcome.kind === 'chat' || outcome.kind === 'generate'
      if (streams) assert.equal(outcome.body.stream, true)
      else assert.equal(isStream, false)
    }),
    { numRuns: 1_000 },
  )
})

const unknownField = fc.string().filter((key) => !key.startsWith('_') && !/^\w+$/.test(key))

test('fields that nobody knows pass with their values and in their order', () => {
  const unknown = fc.dictionary(unknownField, json, { noNullPrototype: true })
  fc.assert(
    fc.property(unknown, fc.constantFrom(...PARSERS), (more, parse) => {
      const sent = { ...more, model: 'x', ...more }

      const { stream, ...rest } = parse(sent).body

      assert.equal(JSON.stringify(rest), JSON.stringify(sent))
    }),
  )
})

test('a request that was read can be read again and stays the same', () => {
  fc.assert(
    fc.property(body, fc.constantFrom(...PARSERS), (sent, parse) => {
      const once = outcomeOf(parse, sent)
      if (typeof once === 'number') return

      assert.deepEqual(parse(once.body).body, once.body)
    }),
  )
})
