// Compares with bytes that a real Ollama 0.13.5 said (`fixtures/ollama-0.13.5/README.md`): streams
// go out as they came, put together they are what the server itself makes of them, and what it
// refuses is refused here in its words or passed on to it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { GatewayError } from '../errors.ts'
import { JSON_LIMITS, parseJsonBody } from './json-body.ts'
import { parseOllamaChat } from './ollama-chat.ts'
import { parseOllamaEmbed, parseOllamaEmbeddings } from './ollama-embed.ts'
import { OLLAMA_EMPTY_BODY, ollamaErrorBody } from './ollama-error.ts'
import { parseOllamaGenerate } from './ollama-generate.ts'
import { parseOllamaShow } from './ollama-show.ts'

const FOLDER = join(import.meta.dirname, 'fixtures/ollama-0.13.5')
const FACTS = { requestId: 'req_gw1_0123456789abcdef01234567', createdS: 1_795_533_308 }

const PARSERS = {
  chat: parseOllamaChat,
  generate: parseOllamaGenerate,
  embed: parseOllamaEmbed,
  embeddings: parseOllamaEmbeddings,
  show: parseOllamaShow,
}

interface Recorded {
  readonly kind: keyof typeof PARSERS
  readonly streamType?: string
  readonly wholeType: string
  readonly body: Readonly<Record<string, unknown>>
}

const bytesOf = (name: string): Buffer => readFileSync(join(FOLDER, name))
const requestOf = (name: string): Recorded => JSON.parse(bytesOf(`${name}.request.json`).toString())
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.request.json'))
  .map((file) => file.replace('.request.json', ''))
const STREAMED = NAMES.filter((name) => requestOf(name).streamType !== undefined)
const UNSTREAMED = NAMES.filter((name) => !STREAMED.includes(name))

/** Whole lines with their line breaks; the last one may lack it. */
const linesOf = (bytes: Buffer): string[] => bytes.toString().match(/.+\n?/g) ?? []

/** What differs between two runs of the same request: times, durations and ids of calls. */
function timeless(key: string, value: unknown): unknown {
  if (key.endsWith('_duration') || key === 'created_at') return typeof value
  if (key === 'id') return String(value).replace(/\w{8}$/, '')
  return value
}

const comparable = (bytes: Buffer | string): string =>
  JSON.stringify(JSON.parse(bytes.toString(), timeless), null, 1)

test('the recordings are there', () => {
  assert.equal(STREAMED.length, 18)
  assert.equal(UNSTREAMED.length, 6)
})

for (const name of NAMES) {
  test(`${name}: the request passes as it was sent`, () => {
    const { kind, body } = requestOf(name)

    const inner = PARSERS[kind](body)

    const streams = kind === 'chat' || kind === 'generate'
    assert.equal(
      JSON.stringify(inner.body),
      JSON.stringify(streams ? { ...body, stream: true } : body),
    )
    assert.equal(inner.kind, kind)
  })
}

for (const name of STREAMED) {
  test(`${name}: the stream goes out as it came, with the server's content type`, () => {
    const { kind, body, streamType } = requestOf(name)
    const lines = linesOf(bytesOf(`${name}.stream.ndjson`))
    const answer = PARSERS[kind](body).startAnswer(FACTS)

    const said = lines.map((line, at) =>
      at < lines.length - 1 ? answer.delta(Buffer.from(line)) : answer.done(Buffer.from(line)),
    )

    assert.deepEqual(Buffer.from(said.join('')), bytesOf(`${name}.stream.ndjson`))
    assert.equal(answer.contentType, streamType)
  })

  test(`${name}: put together, the stream is what the server makes of it, key by key`, () => {
    const { kind, body, wholeType } = requestOf(name)
    const lines = linesOf(bytesOf(`${name}.stream.ndjson`))
    const answer = PARSERS[kind]({ ...body, stream: false }).startAnswer(FACTS)

    assert.equal(answer.delta(Buffer.from(lines.slice(0, -1).join(''))), '')
    const whole = answer.done(Buffer.from(lines.at(-1) ?? ''))

    assert.equal(comparable(whole), comparable(bytesOf(`${name}.whole.json`)))
    assert.equal(answer.contentType, wholeType)
  })
}

test('a stream that is cut into frames at any line breaks is put together the same', () => {
  fc.assert(
    fc.property(fc.constantFrom(...STREAMED), fc.array(fc.boolean()), (name, cuts) => {
      const { kind, body } = requestOf(name)
      const lines = linesOf(bytesOf(`${name}.stream.ndjson`))
      const answer = PARSERS[kind]({ ...body, stream: false }).startAnswer(FACTS)

      let frame = ''
      for (const [at, line] of lines.slice(0, -1).entries()) {
        frame += line
        if (!cuts[at]) continue
        answer.delta(Buffer.from(frame))
        frame = ''
      }
      if (frame !== '') answer.delta(Buffer.from(frame))
      const whole = answer.done(Buffer.from(lines.at(-1) ?? ''))

      assert.equal(comparable(whole), comparable(bytesOf(`${name}.whole.json`)))
    }),
  )
})

for (const name of UNSTREAMED) {
  test(`${name}: the answer goes out as it came, with the server's content type`, () => {
    const { kind, body, wholeType } = requestOf(name)
    const whole = bytesOf(`${name}.whole.json`)
    const answer = PARSERS[kind](body).startAnswer(FACTS)

    answer.delta(whole.subarray(0, 5))

    assert.deepEqual(answer.done(whole.subarray(5)), whole)
    assert.equal(answer.contentType, wholeType)
  })
}

test('the tokens of embeddings are those that the server counted', () => {
  const answer = parseOllamaEmbed({ model: 'smol' }).startAnswer(FACTS)

  answer.done(bytesOf('embed-many.whole.json'))

  assert.deepEqual(answer.usage, { inputTokens: 2 })
})

test('a stream that the server ends with an error is no answer, streamed or put together', () => {
  const lines = linesOf(bytesOf('chat-broken.stream.ndjson'))
  const before = Buffer.from(lines.slice(0, -1).join(''))
  const last = Buffer.from(lines.at(-1) ?? '')

  for (const stream of [true, false]) {
    const answer = parseOllamaChat({ model: 'smol', messages: [{}], stream }).startAnswer(FACTS)
    answer.delta(before)
    assert.throws(() => answer.done(last), { code: 'upstream_error' })
  }
  const whole = parseOllamaChat({ model: 'smol', messages: [{}], stream: false }).startAnswer(FACTS)
  assert.throws(() => whole.delta(Buffer.from(lines.join(''))), { code: 'upstream_error' })
})

interface Refused {
  readonly kind: keyof typeof PARSERS
  readonly body: string
  readonly status: number
  readonly error: string
  readonly here: string | null
}

const REFUSED: readonly Refused[] = JSON.parse(bytesOf('errors.json').toString())

/** What is said here, always with status 400; `null` when the request passes to the server. */
function saidHere({ kind, body }: Refused): string | null {
  try {
    PARSERS[kind](
      parseJsonBody(Buffer.from(body), { ...JSON_LIMITS, emptyMessage: OLLAMA_EMPTY_BODY }),
    )
    return null
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.status === 400)
    return JSON.parse(ollamaErrorBody(error)).error
  }
}

for (const refused of REFUSED) {
  const { kind, body, status, error, here } = refused
  const told = here === null ? 'passes, and the server says' : `is told "${here}" for`
  test(`${kind} ${body.slice(0, 120)} ${told} ${status} "${error}"`, () => {
    assert.equal(saidHere(refused), here)
  })
}

test('what a server answers with a 500 does not get there, unless only it can judge', () => {
  const passed = REFUSED.filter(({ status, here }) => status >= 500 && here === null)

  assert.deepEqual(
    passed.map(({ error }) => error),
    [
      'invalid JSON schema in format',
      'template: :1: unclosed action',
      'Failed to create new sequence: no input provided',
    ],
  )
})
