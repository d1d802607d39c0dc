// Goal: a client has a status for what fails before the first content, and sees whatever fails
// after it; while it waits it knows that nothing is wrong. Method: the real encoders of both
// dialects over real connections, read byte by byte.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Frame, FrameType } from '#wire/frames.ts'
import { eventually } from '../../test/support/eventually.ts'
import { openPlain, type RawConnection } from '../../test/support/raw-http.ts'
import type { AnswerEncoder, ParseRequest } from '../dialects/dialect.ts'
import { parseOllamaChat } from '../dialects/ollama-chat.ts'
import { openAiChat } from '../dialects/openai-chat.ts'
import { GatewayError } from '../errors.ts'
import { AnswerWriter } from './answer-writer.ts'
import { ClientStream } from './client-stream.ts'

const PARSERS: Readonly<Record<'openai' | 'ollama', ParseRequest>> = {
  openai: openAiChat({ choicesMax: 1 }),
  ollama: parseOllamaChat,
}

function encoderOf(dialect: 'openai' | 'ollama', isStream: boolean, fields = {}): AnswerEncoder {
  const messages = [{ role: 'user', content: 'hi' }]
  const request = PARSERS[dialect]({ model: 'm', stream: isStream, messages, ...fields })
  return request.startAnswer({ requestId: 'req_x_0', createdS: 1 })
}

function frame(type: FrameType, payload: string): Frame {
  return { type, sequence: 1, payload: Buffer.from(payload) }
}

function delta(content: string): Frame {
  const message = { role: 'assistant', content }
  return frame('delta', `${JSON.stringify({ model: 'm', created_at: AT, message, done: false })}\n`)
}

const AT = '2026-01-01T00:00:00Z'
const DONE = frame(
  'done',
  `{"model":"m","created_at":"${AT}","message":{"role":"assistant","content":""},"done":true,` +
    '"done_reason":"stop","prompt_eval_count":3,"eval_count":2}\n',
)

interface Written extends AsyncDisposable {
  readonly connection: RawConnection
  readonly stream: ClientStream
  readonly writer: AnswerWriter
  /** What happened, in turn. */
  readonly steps: readonly string[]
}

/** Begins the answer to a request that has just come over a connection of its own. */
async function begin(
  dialect: 'openai' | 'ollama',
  { isStream = true, heartbeatEveryMs = 60_000 } = {},
): Promise<Written> {
  const server: Server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = await openPlain((server.address() as AddressInfo).port)
  const requested = once(server, 'request') as Promise<[unknown, ServerResponse]>
  connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const [, raw] = await requested
  const stream = new ClientStream(raw, 60_000)
  const steps: string[] = []
  const headers = () => {
    steps.push('headers')
    return { 'x-meridian-region': 'eu-central' }
  }
  const onCommit = () => steps.push('commit')
  const writer = new AnswerWriter(
    { stream, heartbeatEveryMs, isStream, headers, onCommit },
    encoderOf(dialect, isStream),
  )
  return {
    connection,
    stream,
    writer,
    steps,
    [Symbol.asyncDispose]: async () => {
      writer.close()
      connection.socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

/** The chunks of an HTTP/1.1 answer put together; `…` where the last one is missing. */
function bodyOf(text: string): string {
  const [, body = ''] = text.split(/\r\n\r\n(.*)/s)
  let content = ''
  for (let rest = body; rest !== ''; ) {
    const [, size = '', after = ''] = /^([0-9a-f]+)\r\n(.*)$/s.exec(rest) ?? []
    const length = Number.parseInt(size, 16)
    if (length === 0) return content
    content += after.slice(0, length)
    rest = after.slice(length + 2)
  }
  return `${content}…`
}

test('nothing is sent before the first content, and then everything at once', async () => {
  await using written = await begin('openai')
  const { connection, stream, writer, steps } = written

  writer.onFrame(frame('started', '{"worker":"w1"}'))
  writer.onFrame(frame('alive', '{"phase":"loading"}'))
  assert.deepEqual([stream.headersSent, writer.isCommitted, steps], [false, false, []])
  assert.equal(writer.onFrame(delta('Ha')), true)

  const text = await connection.received(/"content":"Ha"/)
  assert.equal(writer.isCommitted, true)
  assert.deepEqual(steps, ['commit', 'headers'])
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  for (const header of [
    'x-meridian-region: eu-central',
    'content-type: text/event-stream; charset=utf-8',
    'cache-control: no-cache, no-transform',
    'x-accel-buffering: no',
  ]) {
    assert.ok(text.includes(`\r\n${header}\r\n`), header)
  }
})

test('a streamed answer of OpenAI ends with [DONE], and commits once', async () => {
  await using written = await begin('openai')
  const { connection, writer, steps } = written

  for (const next of [delta('Ha'), delta('llo'), DONE]) writer.onFrame(next)

  const body = bodyOf(await connection.received(/\r\n0\r\n\r\n$/))
  assert.match(body, /"content":"Ha".*"content":"llo".*data: \[DONE\]\n\n$/s)
  assert.deepEqual(steps, ['commit', 'headers'])
  assert.equal(writer.isFinished, true)
  assert.deepEqual(writer.encoder.usage, { inputTokens: 3, outputTokens: 2 })
})

test('a streamed answer of Ollama is NDJSON', async () => {
  await using written = await begin('ollama')
  const { connection, writer } = written

  for (const next of [delta('Ha'), DONE]) writer.onFrame(next)

  const text = await connection.received(/\r\n0\r\n\r\n$/)
  assert.match(text, /\r\ncontent-type: application\/x-ndjson\r\n/)
  const lines = bodyOf(text).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { done: boolean }).done),
    [false, true],
  )
})

for (const dialect of ['openai', 'ollama'] as const) {
  test(`an answer of ${dialect} in one piece has a length, and waits for its end`, async () => {
    await using written = await begin(dialect, { isStream: false, heartbeatEveryMs: 50 })
    const { connection, stream, writer, steps } = written

    writer.onFrame(delta('Ha'))
    await setTimeout(200) // Heartbeats, if there were any.
    assert.deepEqual([stream.headersSent, writer.isCommitted], [false, false])
    writer.onFrame(DONE)

    const text = await connection.received(/\r\n\r\n.+$/s)
    const [head = '', body = ''] = text.split('\r\n\r\n')
    assert.match(head, new RegExp(`\r\ncontent-length: ${Buffer.byteLength(body)}(?:\r\n|$)`))
    assert.match(head, /\r\ncontent-type: application\/json/)
    assert.match(head, /\r\nx-meridian-region: eu-central/)
    assert.doesNotMatch(head, /transfer-encoding/i)
    assert.match(body, /"content":"Ha"/)
    assert.deepEqual(steps, ['commit', 'headers'])
  })
}

const PHASES: readonly [payload: string, comment: string][] = [
  ['{"phase":"loading"}', ': loading\n\n'],
  ['{"phase":"prefill"}', ': thinking\n\n'],
  ['{"phase":"decode"}', ': alive\n\n'],
  ['{"phase":"dreaming"}', ': alive\n\n'],
  ['not JSON', ': alive\n\n'],
]

test('a stream that waits sends comments that say why, which commit nothing', async () => {
  await using written = await begin('openai', { heartbeatEveryMs: 50 })
  const { connection, stream, writer, steps } = written

  const first = await connection.received(/: queued\n\n/)
  for (const [payload, comment] of PHASES) {
    const seen = connection.text.length
    writer.onFrame(frame('alive', payload))
    await eventually(`${comment} comes`, () => connection.text.slice(seen).includes(comment))
  }

  assert.match(first, /^HTTP\/1\.1 200 OK\r\n/)
  assert.deepEqual([stream.headersSent, writer.isCommitted, steps], [true, false, ['headers']])
})

test('a waiting NDJSON stream sends spaces, which its lines may begin with', async () => {
  await using written = await begin('ollama', { heartbeatEveryMs: 50 })
  const { connection, writer } = written

  await eventually('two heartbeats come', () => bodyOf(connection.text).startsWith('  '))
  assert.equal(writer.isCommitted, false)
  for (const next of [delta('Ha'), DONE]) writer.onFrame(next)

  const body = bodyOf(await connection.received(/\r\n0\r\n\r\n$/))
  assert.match(body, /^ +\{[^\n]+\}\n\{[^\n]+\}\n$/)
  for (const line of body.trimEnd().split('\n')) assert.ok(JSON.parse(line))
})

test('content puts off the next heartbeat, and silence within an answer has one', async () => {
  await using written = await begin('openai', { heartbeatEveryMs: 1_000 })
  const { connection, writer } = written

  for (let count = 0; count < 15; count++) {
    writer.onFrame(delta('Ha'))
    await setTimeout(100)
  }
  assert.doesNotMatch(connection.text, /: queued/)

  await connection.received(/: queued\n\n/)
})

test('an answer that fails before content, after heartbeats, has an error frame and is cut', async () => {
  await using written = await begin('openai', { heartbeatEveryMs: 50 })
  const { connection, writer } = written
  await connection.received(/: queued\n\n/)

  writer.fail(new GatewayError('no_region_available'))

  const body = bodyOf(await connection.closed())
  assert.match(body, /data: \{"error":\{.*"code":"no_region_available"\}\}\n\n…$/)
  assert.doesNotMatch(body, /\[DONE\]/)
  assert.equal(writer.isCommitted, false)
})

for (const dialect of ['openai', 'ollama'] as const) {
  test(`an answer of ${dialect} that fails after content ends with the error, and is cut`, async () => {
    await using written = await begin(dialect)
    const { connection, writer } = written
    writer.onFrame(delta('Ha'))

    writer.fail(new GatewayError('stream_interrupted'))
    writer.onFrame(delta('never'))

    const body = bodyOf(await connection.closed())
    assert.match(body, /"content":"Ha".*\n(?:data: )?\{"error":.*interrupted.*\}\n\n?…$/s)
    assert.doesNotMatch(body, /never|\[DONE\]|"done":true/)
  })
}

test('a second attempt begins anew behind the heartbeats of the first', async () => {
  await using written = await begin('openai', { heartbeatEveryMs: 50 })
  const { connection, writer, steps } = written
  writer.onFrame(frame('alive', '{"phase":"loading"}'))
  await connection.received(/: loading\n\n/)

  writer.restart(encoderOf('openai', true))
  const seen = connection.text.length
  await eventually('it is queued again', () => connection.text.slice(seen).includes(': queued'))
  for (const next of [delta('Ha'), DONE]) writer.onFrame(next)

  const text = await connection.received(/\r\n0\r\n\r\n$/)
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 1)
  assert.match(bodyOf(text), /"content":"Ha".*data: \[DONE\]\n\n$/s)
  assert.deepEqual(steps, ['headers', 'commit'])
})

test('an answer that is complete before the model has ended ends there', async () => {
  await using written = await begin('openai')
  const { connection, writer } = written
  const tools = [{ type: 'function', function: { name: 'look', parameters: {} } }]
  writer.restart(encoderOf('openai', true, { tools, parallel_tool_calls: false }))
  const call = { function: { name: 'look', arguments: {} } }
  const message = { role: 'assistant', content: '', tool_calls: [call, call] }

  writer.onFrame(frame('delta', `${JSON.stringify({ model: 'm', message, done: false })}\n`))

  const body = bodyOf(await connection.received(/\r\n0\r\n\r\n$/))
  assert.equal(writer.isFinished, true)
  assert.equal(body.match(/"name":"look"/g)?.length, 1)
  assert.match(body, /"finish_reason":"tool_calls".*data: \[DONE\]\n\n$/s)
})

test('what is no record of a model server is refused, and nothing is sent', async () => {
  await using written = await begin('openai')
  const { stream, writer } = written

  assert.throws(() => writer.onFrame(frame('delta', 'not JSON\n')), GatewayError)

  assert.deepEqual([stream.headersSent, writer.isCommitted], [false, false])
})

test('a client that does not keep up is told by each frame', async () => {
  await using written = await begin('openai')
  const { connection, stream, writer } = written
  let drained = 0
  stream.onDrain(() => {
    drained += 1
  })
  connection.socket.pause()

  while (writer.onFrame(delta('x'.repeat(100_000)))) assert.equal(drained, 0)
  assert.equal(writer.onFrame(delta('more')), false)
  connection.socket.resume()

  await eventually('the client has caught up', () => drained === 1)
  assert.equal(writer.onFrame(delta('on')), true)
})

test('a closed writer sends no heartbeat any more, and may be closed twice', async () => {
  await using written = await begin('openai', { heartbeatEveryMs: 50 })

  written.writer.close()
  written.writer.close()
  await setTimeout(200) // Four heartbeats, if there were any.

  assert.deepEqual([written.stream.headersSent, written.connection.text], [false, ''])
})

test('a client that has gone gets no heartbeat', async () => {
  await using written = await begin('openai', { heartbeatEveryMs: 50 })
  const { connection, stream } = written

  connection.socket.destroy()
  await eventually('the client has gone', () => stream.isGone)
  await setTimeout(200) // Four heartbeats, if there were any.

  assert.deepEqual([stream.headersSent, stream.bytesOut], [false, 0])
})
