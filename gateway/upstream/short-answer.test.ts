// Goal: a short question ends in time with its answer or with a reason, and leaves nothing behind.
// Method: a plain HTTP server, and a connector that may be held back.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { buildConnector, Client } from 'undici'
import { eventually } from '../../test/support/eventually.ts'
import { askShort, type ShortQuestion } from './short-answer.ts'

const QUESTION: ShortQuestion = {
  path: '/health',
  headers: ['x-who', 'test'],
  timeoutMs: 20_000,
  bytesMax: 100,
  nowMs: () => 0,
}

interface Answering extends AsyncDisposable {
  readonly port: number
  readonly client: Client
}

async function answerWith(listener: RequestListener): Promise<Answering> {
  const server: Server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new Client(`http://127.0.0.1:${port}`)
  return {
    port,
    client,
    [Symbol.asyncDispose]: async () => {
      await client.destroy()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

test('a question brings the whole answer', async () => {
  await using answering = await answerWith((request, response) => {
    response.write(`${request.method} ${request.url} `)
    response.end(String(request.headers['x-who']))
  })

  const { text } = await askShort(answering.client, QUESTION)

  assert.equal(text, 'GET /health test')
})

test('the round trip begins when the connection is up', async () => {
  let nowMs = 0
  await using answering = await answerWith((_request, response) => {
    nowMs += 5
    response.end()
  })
  answering.client.on('connect', () => {
    nowMs += 1_000
  })

  const { roundTripMs } = await askShort(answering.client, { ...QUESTION, nowMs: () => nowMs })

  assert.equal(roundTripMs, 5)
})

test('a question whose connection comes too late is not sent; the next one uses it', async () => {
  const questions: (string | undefined)[] = []
  await using answering = await answerWith((request, response) => {
    questions.push(request.url)
    response.end('good')
  })
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const connect = buildConnector({})
  const client = new Client(`http://127.0.0.1:${answering.port}`, {
    connect: (options, callback) => void released.then(() => connect(options, callback)),
  })

  const late = askShort(client, { ...QUESTION, path: '/late', timeoutMs: 50 })
  await assert.rejects(late, /^Error: no answer in 50 ms$/)
  release()
  const { text } = await askShort(client, QUESTION)
  await client.destroy()

  assert.equal(text, 'good')
  assert.deepEqual(questions, ['/health'])
})

const BAD: readonly [situation: string, listener: RequestListener, reason: RegExp][] = [
  [
    'a status other than 200',
    (_request, response) => void response.writeHead(404).end('no'),
    /^Error: status 404$/,
  ],
  [
    'an answer that is too long',
    (_request, response) => response.end('x'.repeat(101)),
    /^Error: answer over 100 bytes$/,
  ],
  ['no answer at all', () => undefined, /^Error: no answer in 200 ms$/],
  [
    'an answer that stops',
    (_request, response) => void response.write('x'),
    /^Error: no answer in 200 ms$/,
  ],
  [
    'an answer that is cut',
    (_request, response) => {
      response.write('x')
      setImmediate(() => response.destroy())
    },
    /other side closed|terminated|ECONNRESET/,
  ],
]

for (const [situation, listener, reason] of BAD) {
  test(`${situation} fails, and the next question is answered`, async () => {
    let isBad = true
    await using answering = await answerWith((request, response) => {
      if (isBad) listener(request, response)
      else response.end('good')
    })
    const question = { ...QUESTION, timeoutMs: 200 }

    await assert.rejects(askShort(answering.client, question), reason)
    isBad = false

    assert.equal((await askShort(answering.client, QUESTION)).text, 'good')
  })
}

test('a question to a destroyed client fails at once', async () => {
  await using answering = await answerWith((_request, response) => response.end())
  await answering.client.destroy()

  await assert.rejects(askShort(answering.client, QUESTION))
})

test('answered and failed questions leave no timer behind', async () => {
  {
    await using answering = await answerWith((request, response) => {
      response.writeHead(request.url === '/bad' ? 500 : 200).end()
    })
    await askShort(answering.client, QUESTION)
    await assert.rejects(askShort(answering.client, { ...QUESTION, path: '/bad' }))
  }

  await eventually('no timer is left', () => {
    return !process.getActiveResourcesInfo().includes('Timeout')
  })
})
