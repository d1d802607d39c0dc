// Goal: what clients and workers learn about Ollama from the stand-in is true of Ollama.
// Method: the same questions were put to a real Ollama (fixtures/, see the README); the answers
// must have the same keys in the same order, the same types, the same statuses and headers, and for
// errors the same words.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isObject } from './go-json.ts'
import { type Recording, recordShapes, SHAPE_REQUESTS } from './record-shapes.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

const REAL = decodeFixture(new URL('fixtures/ollama-0.13.5.json', import.meta.url))

function decodeFixture(url: URL): readonly Recording[] {
  return JSON.parse(readFileSync(url, 'utf8')) as readonly Recording[]
}

/** Puts types in the place of values; keys named after a model's architecture are one. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((part) => JSON.stringify(shapeOf(part))))]
  if (!isObject(value)) return value === null ? null : typeof value
  const named = Object.entries(value).map(([key, part]) => {
    return [key.replace(/^(llama|smollm2|qwen3)\./, 'architecture.'), shapeOf(part)]
  })
  return Object.fromEntries(named)
}

const shapesOf = ({ answer }: Recording): readonly string[] => {
  return typeof answer === 'string' ? [answer] : answer.map((one) => JSON.stringify(shapeOf(one)))
}

/** The length of a whole answer decides how Go sends it, so only for streams is the way a fact. */
const headersOf = ({ headers }: Recording) => {
  const { 'transfer-encoding': encoding, ...others } = headers
  return headers['content-type']?.includes('charset') ? others : { ...others, encoding }
}

test('the fixture answers the questions that are asked today', () => {
  assert.deepEqual(
    REAL.map(({ request }) => request),
    SHAPE_REQUESTS,
  )
})

test('every answer has the shape that the real Ollama gave it', async (t) => {
  await using standIn = await startOllamaStandIn()
  const recordings = await recordShapes(standIn.url)
  for (const [at, real] of REAL.entries()) {
    await t.test(real.request.name, () => {
      const mine = recordings[at]
      assert.ok(mine)
      assert.equal(mine.status, real.status)
      assert.deepEqual(headersOf(mine), headersOf(real))
      if (real.status >= 400) return assert.deepEqual(mine.answer, real.answer)
      const known = shapesOf(real)
      for (const shape of shapesOf(mine)) assert.ok(known.includes(shape), shape)
      assert.equal(shapesOf(mine).at(-1), known.at(-1))
    })
  }
})
