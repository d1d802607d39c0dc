import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LINE_BYTES_MAX, LineCutter, type StreamEnd, splitAtLines } from './lines.ts'

const DONE = '{"message":{"content":""},"done":true,"eval_count":2}\n'

test('bytes cut anywhere, in characters too, give the same content and the same end', () => {
  const line = fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .map((text) => `${JSON.stringify({ message: { content: text }, done: false })}\n`)
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(400)), (lines, cuts) => {
      const stream = Buffer.from(lines.join('') + DONE)
      const { content, end } = cutAll(piecesOf(stream, cuts))
      assert.equal(content, lines.join(''))
      assert.ok(end?.kind === 'done')
      assert.equal(end.line.toString(), DONE)
      assert.deepEqual(end.usage, { outputTokens: 2 })
    }),
  )
})

test('all whole lines of one chunk come together, and the unfinished one waits', () => {
  const cutter = new LineCutter()

  const first = cutter.push(Buffer.from('{"a":1}\n{"a":2}\n{"a"'))
  const second = cutter.push(Buffer.from(':3}\n'))

  assert.equal(first.content.toString(), '{"a":1}\n{"a":2}\n')
  assert.equal(second.content.toString(), '{"a":3}\n')
})

test('an error line ends the stream after the content before it', () => {
  const { content, end } = cutAll([Buffer.from('{"a":1}\n{"error":"an error"}\n{"a":2}\n')])

  assert.equal(content, '{"a":1}\n')
  assert.deepEqual(end, { kind: 'error', message: 'an error' })
})

test('words of the end inside a text or deeper down do not end the stream', () => {
  const lines = [
    JSON.stringify({ message: { content: '"done":true and "error"' }, done: false }),
    JSON.stringify({ message: { tool_calls: [{ arguments: { done: true } }] }, done: false }),
    JSON.stringify({ message: { tool_calls: [{ arguments: { error: 'x' } }] }, done: false }),
  ]
  const stream = `${lines.join('\n')}\n`

  const { content, end } = cutAll([Buffer.from(stream)])

  assert.equal(content, stream)
  assert.deepEqual(end, { kind: 'broken', why: 'no-done' })
})

test('blanks in the JSON and a carriage return make no difference', () => {
  const { end } = cutAll([Buffer.from('{"done": true}\r\n')])

  assert.equal(end?.kind, 'done')
})

test('a last line needs no line break when the connection ends behind it', () => {
  const cutter = new LineCutter()
  cutter.push(Buffer.from('{"done":true}'))

  assert.equal(cutter.finish().kind, 'done')
})

for (const [name, stream] of [
  ['HTML', '<html>\n'],
  ['a line that is cut short', '{"a":1\n'],
  ['an empty line', '\n'],
  ['a last line that is no JSON', '{"done":true,}\n'],
] as const) {
  test(`${name} is malformed`, () => {
    const { end } = cutAll([Buffer.from(stream)])

    assert.deepEqual(end, { kind: 'broken', why: 'malformed' })
  })
}

test('a stream that ends without its last line is broken, also within a line', () => {
  for (const rest of ['', '{"a":1}\n', '{"a":1}', '{"a']) {
    const { end } = cutAll([Buffer.from(rest)])
    assert.equal(end?.kind, 'broken', JSON.stringify(rest))
  }
})

test('a line may be as long as a frame and not one byte longer, whether it ends or not', () => {
  const lineOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 9)}"}\n`

  assert.equal(cutAll([Buffer.from(lineOf(LINE_BYTES_MAX))]).content.length, LINE_BYTES_MAX)
  for (const stream of [lineOf(LINE_BYTES_MAX + 1), lineOf(LINE_BYTES_MAX + 2).trimEnd()]) {
    const { end } = cutAll([Buffer.from(stream)])
    assert.deepEqual(end, { kind: 'broken', why: 'too-long' })
  }
})

test('content over a frame is split at line breaks if it has any, and is not copied', () => {
  const content = Buffer.from('aaa\nbb\nc\n')

  assert.deepEqual(splitAtLines(content, 7).map(String), ['aaa\nbb\n', 'c\n'])
  assert.deepEqual(splitAtLines(content, 4).map(String), ['aaa\n', 'bb\n', 'c\n'])
  assert.equal(splitAtLines(content, 9)[0]?.buffer, content.buffer)
  assert.deepEqual(splitAtLines(Buffer.from('abcdefg'), 3).map(String), ['abc', 'def', 'g'])
})

/** Feeds pieces up to the end that they bring, or the end of the connection. */
function cutAll(pieces: readonly Buffer[]): { content: string; end: StreamEnd | undefined } {
  const cutter = new LineCutter()
  const content: Buffer[] = []
  for (const piece of pieces) {
    const cut = cutter.push(piece)
    content.push(cut.content)
    if (cut.end !== undefined) return { content: Buffer.concat(content).toString(), end: cut.end }
  }
  return { content: Buffer.concat(content).toString(), end: cutter.finish() }
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const borders = [...cuts.map((cut) => cut % bytes.length), 0, bytes.length].sort((a, b) => a - b)
  return borders.slice(1).map((border, at) => bytes.subarray(borders[at], border))
}
