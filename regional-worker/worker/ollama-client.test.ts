import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { FRAME_PAYLOAD_BYTES_MAX } from '#wire/frames.ts'
import type { WorkKind } from '#wire/region-api.ts'
import { eventually } from '../../test/support/eventually.ts'
import {
  type Answer,
  type ScriptedOllamaOptions,
  startScriptedOllama,
} from '../../test/support/scripted-ollama.ts'
import { createOllamaClient, type OllamaCall } from './ollama-client.ts'

test('a stream is handed on as it comes, and its last line is the end', async () => {
  await using client = await start((call) => {
    call.say('Hallo')
    call.say(' Welt')
    call.done({ prompt_eval_count: 5, eval_count: 2 })
  })
  const { call, content } = client.call('chat')

  const end = await call.ended

  assert.ok(end.kind === 'done')
  assert.equal(
    content()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).message.content)
      .join(''),
    'Hallo Welt',
  )
  assert.equal(JSON.parse(end.last.toString()).done, true)
  assert.deepEqual(end.usage, { promptTokens: 5, outputTokens: 2 })
})

test('a request goes to the path of its kind, untouched and without headers of ours', async () => {
  await using client = await start((call) => call.done())
  await client.call('generate', Buffer.from('{"model": "m"}'), '00-trace').call.ended

  const [seen] = client.ollama.calls
  assert.equal(seen?.path, '/api/generate')
  assert.equal(seen?.body.toString(), '{"model": "m"}')
  assert.deepEqual(Object.keys(seen?.headers ?? {}).sort(), [
    'connection',
    'content-length',
    'content-type',
    'host',
    'traceparent',
  ])
})

test('aborting in prefill closes the connection, and the call has ended at once', async () => {
  await using client = await start(() => undefined)
  const { call } = client.call('chat')
  const seen = await eventually('Ollama is called', () => client.ollama.calls[0])

  call.abort()

  assert.deepEqual(await call.ended, { kind: 'aborted' })
  await call.quiet(10_000)
  await seen.closed
})

test('a call that is aborted before it is on a connection does not reach Ollama', async () => {
  await using client = await start((call) => call.done())
  const { call } = client.call('chat')
  call.abort()

  assert.equal((await call.ended).kind, 'aborted')
  await call.quiet(10_000)
  await client.call('chat').call.ended
  assert.equal(client.ollama.calls.length, 1)
})

test('aborting one stream leaves its neighbours alone', async () => {
  await using client = await start(async (call) => {
    call.say('one')
    if (client.ollama.calls.length > 1) call.done()
  })
  const first = client.call('chat')
  await eventually('the first one has begun', () => first.content() !== '')
  const second = client.call('chat')

  first.call.abort()

  assert.equal((await second.call.ended).kind, 'done')
})

test('a paused call stops Ollama from writing, and goes on where it stopped', async () => {
  const line = `${JSON.stringify({ text: 'x'.repeat(50_000), done: false })}\n`
  let written = 0
  await using client = await start(async (call) => {
    for (; written < 1_000; written += 1) {
      if (!call.write(line)) await call.drained()
    }
    call.done()
  })
  const { call, bytes } = client.call('chat')
  call.pause()
  const stuckAt = await standsStill(() => written)
  assert.ok(stuckAt < 1_000, 'Ollama could write 50 MB to nobody')
  assert.ok(bytes() <= 131_072, `${bytes()} bytes were handed on during the pause`)

  call.resume()

  assert.equal((await call.ended).kind, 'done')
  assert.equal(bytes(), 1_000 * line.length)
})

test('a paused call can be aborted', async () => {
  await using client = await start((call) => {
    call.say('one')
  })
  const { call } = client.call('chat')
  const seen = await eventually('Ollama is called', () => client.ollama.calls[0])
  call.pause()
  call.abort()

  await seen.closed
  assert.equal((await call.ended).kind, 'aborted')
})

for (const [situation, answer, code, workStarted] of [
  [
    'an unknown model',
    (call) => call.status(404, { error: "model 'm' not found" }),
    'model-missing',
    'no',
  ],
  [
    'a busy server',
    (call) => call.status(503, { error: 'server busy, please try again.' }),
    'ollama-busy',
    'no',
  ],
  [
    'a request at fault',
    (call) => call.status(400, { error: 'bad option' }),
    'request-refused',
    'yes',
  ],
  [
    'a failure of Ollama',
    (call) => call.status(500, { error: 'llama runner' }),
    'ollama-failed',
    'yes',
  ],
  [
    'no memory',
    (call) => call.status(500, { error: 'CUDA error: out of memory' }),
    'out-of-memory',
    'yes',
  ],
  [
    'an error line',
    (call) => {
      call.say('a')
      call.write({ error: 'an error' })
      call.end()
    },
    'ollama-failed',
    'yes',
  ],
  [
    'no memory in an error line',
    (call) => {
      call.write({ error: 'out of memory' })
    },
    'out-of-memory',
    'yes',
  ],
  [
    'an end without its last line',
    (call) => {
      call.say('a')
      call.end()
    },
    'ollama-failed',
    'yes',
  ],
  [
    'an answer of no bytes',
    (call) => {
      call.write('')
      call.end()
    },
    'ollama-failed',
    'yes',
  ],
  [
    'a line that is no JSON',
    (call) => {
      call.say('a')
      call.write('<html>\n')
    },
    'ollama-failed',
    'yes',
  ],
  [
    'a line without end',
    (call) => {
      call.write(`{"a":"${'x'.repeat(1_100_000)}`)
    },
    'ollama-failed',
    'yes',
  ],
  ['a reset before the answer', (call) => call.reset(), 'ollama-unreachable', 'unknown'],
] as const satisfies readonly (readonly [string, Answer, string, string])[]) {
  test(`${situation} is ${code}, work started: ${workStarted}`, async () => {
    await using client = await start(answer)
    const { call } = client.call('chat')

    const end = await call.ended

    assert.ok(end.kind === 'failed', end.kind)
    assert.equal(end.failure.code, code)
    assert.equal(end.failure.workStarted, workStarted)
    await call.quiet(10_000)
  })
}

test('a reset in the middle of an answer says that work had started', async () => {
  await using client = await start((call) => {
    call.say('one')
  })
  const { call, content } = client.call('chat')
  await eventually('it has begun', () => content() !== '')
  client.ollama.calls[0]?.reset()

  const end = await call.ended

  assert.ok(end.kind === 'failed')
  assert.deepEqual([end.failure.code, end.failure.workStarted], ['ollama-unreachable', 'yes'])
})

test('a refused connection says that no work has started', async () => {
  const client = createOllamaClient('http://127.0.0.1:1', 1)
  const call = client.call({ kind: 'chat', body: Buffer.from('{}') }, () => undefined)

  const end = await call.ended

  assert.ok(end.kind === 'failed')
  assert.deepEqual([end.failure.code, end.failure.workStarted], ['ollama-unreachable', 'no'])
  await client.close()
})

test('what is not HTTP is a failure of Ollama', async () => {
  await using stranger = await startStranger('SSH-2.0-OpenSSH\r\n')
  const client = createOllamaClient(stranger.url, 1)

  const end = await client.call({ kind: 'chat', body: Buffer.from('{}') }, () => undefined).ended

  assert.ok(end.kind === 'failed')
  assert.equal(end.failure.code, 'ollama-failed')
  await client.close()
})

test('an answer that does not stream comes whole, and one over a frame in parts', async () => {
  for (const chars of [100, 2_500_000]) {
    const answer = JSON.stringify({ embeddings: 'x'.repeat(chars) })
    await using client = await start((call) => call.status(200, answer))
    const { call, pieces } = client.call('embed')

    const end = await call.ended

    assert.ok(end.kind === 'done')
    assert.equal(Buffer.concat([...pieces, end.last]).toString(), answer)
    assert.ok([...pieces, end.last].every(({ length }) => length <= FRAME_PAYLOAD_BYTES_MAX))
  }
})

for (const kind of ['embed', 'show'] as const) {
  test(`an answer to ${kind} that is no JSON object is a failure of Ollama`, async () => {
    for (const body of ['<html>', '']) {
      await using client = await start((call) => call.status(200, body))
      const end = await client.call(kind).call.ended
      assert.equal(end.kind === 'failed' && end.failure.code, 'ollama-failed')
    }
  })
}

test('an answer that does not end after its last line is cut when it should be quiet', async () => {
  await using client = await start((call) => {
    call.write({ done: true })
  })
  const { call } = client.call('chat')
  assert.equal((await call.ended).kind, 'done')

  await call.quiet(10)

  await client.ollama.calls[0]?.closed
})

test('a path before the API is kept', async () => {
  await using ollama = await startScriptedOllama((call) => call.done())
  const client = createOllamaClient(`${ollama.url}/prefix/`, 1)
  await client.call({ kind: 'chat', body: Buffer.from('{}') }, () => undefined).ended

  assert.equal(ollama.calls[0]?.path, '/prefix/api/chat')
  await client.close()
})

test('a question is answered with JSON, or rejects', async () => {
  await using client = await start((call) => call.status(500, 'no'))

  assert.deepEqual(await client.ask('/api/version'), { version: '0.13.5' })
  await assert.rejects(client.ask('/api/other'), /answered 500/)
})

async function start(answer: Answer, options?: ScriptedOllamaOptions) {
  const ollama = await startScriptedOllama(answer, options)
  const client = createOllamaClient(ollama.url, 2)
  return {
    ollama,
    ask: client.ask,
    call: (kind: WorkKind, body = Buffer.from('{"model":"m"}'), traceparent?: string) => {
      const pieces: Buffer[] = []
      let bytes = 0
      const call: OllamaCall = client.call({ kind, body, traceparent }, (piece) => {
        pieces.push(piece)
        bytes += piece.length
      })
      return {
        call,
        pieces,
        bytes: () => bytes,
        content: () => Buffer.concat(pieces).toString(),
      }
    },
    [Symbol.asyncDispose]: async () => {
      await client.close()
      await ollama.close()
    },
  }
}

/** A server that answers everything with the same words. */
async function startStranger(words: string) {
  const server = createServer((socket) => socket.once('data', () => socket.end(words)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await once(server.close(), 'close')
    },
  }
}

/** Waits until a number has been the same for a while: what moves it is stuck. */
async function standsStill(read: () => number): Promise<number> {
  let last = -1
  let sinceMs = 0
  return eventually('it stands still', () => {
    if (read() !== last) {
      last = read()
      sinceMs = performance.now()
    }
    return performance.now() - sinceMs > 200 ? last : undefined
  })
}
