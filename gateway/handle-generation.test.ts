// The way through the stations is proved by the journeys. Here stands what no client can cause: a
// fault of ours in the middle of a request.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { ClientStream } from './downstream/client-stream.ts'
import { localReply } from './downstream/local-reply.ts'
import { type GenerationStations, handleGeneration } from './handle-generation.ts'
import { openContext, type RequestContext } from './request-context.ts'

test('a fault of ours is a 500 without its details, and the request ends once', async () => {
  const ended: RequestContext[] = []
  const stations = {
    requireModel: () => {
      throw new TypeError('cannot read properties of undefined')
    },
    localReply: (error, dialect) => localReply(error, dialect, 0),
    finish: (context) => ended.push(context),
  } as Partial<GenerationStations> as GenerationStations
  await using server = await serve((stream) =>
    handleGeneration(stations, {
      context: openContext({
        requestId: 'req_test_0',
        startedMs: 0,
        method: 'POST',
        route: '/api/chat',
        httpVersion: '1.1',
      }),
      dialect: 'ollama',
      asked: {},
      parse: () => ({
        kind: 'chat',
        model: 'x',
        body: {},
        affinity: { source: 'none' },
        ignored: [],
        startAnswer: () => assert.fail('no answer can start'),
      }),
      readBody: () => ({}),
      stream,
    }),
  )

  const answer = await fetch(server.url)

  assert.equal(answer.status, 500)
  assert.equal(answer.headers.get('x-request-id'), 'req_test_0')
  assert.deepEqual(await answer.json(), { error: 'An unexpected error happened here.' })
  assert.equal(ended.length, 1)
  assert.equal(ended[0]?.errorCode, 'internal_error')
  assert.match(String(ended[0]?.cause), /TypeError/)
})

async function serve(
  handle: (stream: ClientStream) => Promise<void>,
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((_request, response) => {
    void handle(new ClientStream(response, 1_000))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
