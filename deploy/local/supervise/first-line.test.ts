import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FirstLine } from './first-line.ts'

const readUrl = (line: string) => /^url=(.+)$/.exec(line)?.[1]

test('the first line that can be read is found, though it comes in pieces', async () => {
  const line = new FirstLine(readUrl, new AbortController().signal)

  for (const piece of ['noise\nur', 'l=a', 'bc', '\nurl=later\n']) line.push(Buffer.from(piece))

  assert.equal(await line.found, 'abc')
})

test('a line without its end is not read', async () => {
  const over = new AbortController()
  const line = new FirstLine(readUrl, over.signal)

  line.push(Buffer.from('url=abc'))
  over.abort()

  assert.equal(await line.found, undefined)
})

test('a line that never ends does not grow in memory, and hides only itself', async () => {
  const line = new FirstLine(readUrl, new AbortController().signal)

  for (let piece = 0; piece < 8; piece += 1) line.push(Buffer.alloc(64 * 1024, 'x'))
  line.push(Buffer.from('\nurl=next\n'))

  assert.equal(await line.found, 'next')
})
