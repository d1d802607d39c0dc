import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { WorkHead } from '#wire/region-api.ts'
import { parseOllamaChat } from './dialects/ollama-chat.ts'
import { ClientStream } from './downstream/client-stream.ts'
import { type AttemptStations, GenerationAttempts } from './generation-attempts.ts'
import { openContext } from './request-context.ts'
import { Attempt } from './upstream/attempt.ts'

const ASKED = { model: 'QWEN3', messages: [{ role: 'user', content: 'Hello' }], keep_alive: '5m' }

test('a region gets the model as it writes it, and the rest of the body untouched', async () => {
  await using client = await openClient()
  const sent: { head: WorkHead; body: string }[] = []
  const attempts = attemptsFor(client.response, {
    modelNameAt: (regionId) => (regionId === 'eu' ? 'qwen3:latest' : 'QWEN3:latest'),
    startAttempt: (_regionId, head, body, events) => {
      sent.push({ head, body })
      return endedAttempt(events)
    },
  })

  await attempts.attempt('eu', 1)
  await attempts.attempt('us', 2)
  attempts.close()

  const bodies = sent.map(({ body }) => JSON.parse(body))
  assert.deepEqual(bodies, [
    { ...ASKED, stream: true, model: 'qwen3:latest' },
    { ...ASKED, stream: true },
  ])
  assert.deepEqual(
    sent.map(({ head }) => [head.model, head.attempt]),
    [
      ['qwen3:latest', 1],
      ['QWEN3:latest', 2],
    ],
  )
})

test('past the deadline of the first content the attempt ends, and no other begins', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await using client = await openClient()
  const started: Attempt[] = []
  const attempts = attemptsFor(client.response, {
    startAttempt: (_regionId, _head, _body, events) => {
      const attempt = new Attempt(events, PATIENT)
      started.push(attempt)
      return attempt
    },
  })

  const first = attempts.attempt('eu', 1)
  t.mock.timers.tick(LIMITS.firstContentDeadlineMs)
  const outcome = await first
  const second = await attempts.attempt('us', 2)
  attempts.close()

  assert.equal(outcome.kind === 'failed' && outcome.code, 'deadline_exceeded')
  assert.equal(second.kind === 'failed' && second.code, 'deadline_exceeded')
  assert.equal(started.length, 1)
})

const LIMITS = {
  attemptsMax: 3,
  firstContentDeadlineMs: 1_000,
  totalDeadlineMs: 5_000,
  queueTimeoutMs: 500,
  heartbeatEveryMs: 60_000,
}
const PATIENT = {
  connectTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  acceptTimeoutMs: 60_000,
  queueTimeoutMs: 60_000,
  silenceTimeoutMs: 60_000,
}

const NO_ROUTING = {
  hop: 0,
  begin: () => ({ started: () => undefined, ended: () => undefined }),
} as const

function attemptsFor(
  response: ServerResponse,
  stations: Partial<AttemptStations>,
): GenerationAttempts {
  const context = openContext({
    requestId: 'req_test_0',
    startedMs: 0,
    method: 'POST',
    route: '/api/chat',
    httpVersion: '1.1',
  })
  return new GenerationAttempts(
    {
      modelNameAt: (_regionId, model) => model,
      answerHeaders: () => ({}),
      startAttempt: () => assert.fail('no attempt is wanted'),
      nowMs: () => 0,
      wallClockS: () => 0,
      limits: LIMITS,
      ...stations,
    },
    { context, stream: new ClientStream(response, 60_000) },
    parseOllamaChat(ASKED),
    { routing: NO_ROUTING, priority: 'standard' },
  )
}

function endedAttempt(events: ConstructorParameters<typeof Attempt>[0]): Attempt {
  const attempt = new Attempt(events, PATIENT)
  attempt.abort({ kind: 'failed', code: 'upstream_error', fault: 'region', workStarted: 'no' })
  return attempt
}

/** A real response object whose client waits. */
async function openClient(): Promise<AsyncDisposable & { response: ServerResponse }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const asked = fetch(`http://127.0.0.1:${port}`).catch(() => undefined)
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
  return {
    response,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await asked
    },
  }
}
