import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type Body, BodyBudget, readBody } from './read-body.ts'

interface Reading extends AsyncDisposable {
  /** Sends a request, and hands out what reading its body came to. */
  send(chunks: readonly string[], headers?: Record<string, string>): Promise<Body>
  /** Sends these chunks and cuts the connection. */
  cut(chunks: readonly string[]): Promise<Body>
}

async function readingServer(bytesMax: number, budget: BodyBudget): Promise<Reading> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const start = async (headers: Record<string, string>) => {
    const sent = request({ port, method: 'POST', headers, agent: false })
    sent.on('error', () => {}) // Cut on purpose, or by the server's end.
    sent.flushHeaders()
    const [received, response] = await once(server, 'request')
    const body = readBody(received as IncomingMessage, bytesMax, budget)
    body.catch(() => {}).finally(() => response.end())
    return { sent, body }
  }
  return {
    async send(chunks, headers = {}) {
      const { sent, body } = await start(headers)
      for (const chunk of chunks) sent.write(chunk)
      sent.end()
      return body
    },
    async cut(chunks) {
      const { sent, body } = await start({})
      for (const chunk of chunks) await new Promise((resolve) => sent.write(chunk, resolve))
      sent.destroy()
      return body
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

test('a body is read completely, in one piece or in several', async () => {
  const budget = new BodyBudget(1_000)
  await using reading = await readingServer(100, budget)

  const whole = await reading.send(['{"a":1}'])
  const pieces = await reading.send(['{"a"', ':', '1}'])

  assert.equal(whole.bytes.toString(), '{"a":1}')
  assert.equal(pieces.bytes.toString(), '{"a":1}')
  assert.equal(budget.bytes, 14)
})

test('a body counts against the budget until it is released, once', async () => {
  const budget = new BodyBudget(1_000)
  await using reading = await readingServer(100, budget)
  const body = await reading.send(['0123456789'])

  body.release()
  body.release()

  assert.equal(budget.bytes, 0)
})

for (const [situation, chunks, headers, code] of [
  ['over its limit', ['x'.repeat(60), 'x'.repeat(41)], {}, 'too-large'],
  ['declared over its limit', [], { 'content-length': '101' }, 'too-large'],
  ['over what is left of the budget', ['x'.repeat(90)], {}, 'overflow'],
  ['of no bytes', [], {}, 'bad-call'],
] as const) {
  test(`a body ${situation} is ${code} and holds nothing of the budget`, async () => {
    const budget = new BodyBudget(100)
    await using reading = await readingServer(100, budget)
    assert.ok(budget.take(20))

    await assert.rejects(reading.send(chunks, headers), { message: code })

    assert.equal(budget.bytes, 20)
  })
}

test('a caller that leaves in the middle of its body has cancelled', async () => {
  const budget = new BodyBudget(1_000)
  await using reading = await readingServer(100, budget)

  await assert.rejects(reading.cut(['{"half":']), { message: 'cancelled' })

  assert.equal(budget.bytes, 0)
})
