// What happens over TLS and HTTP/2 is shown where it matters, in `listener.test.ts`.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { openPlain } from '../../test/support/raw-http.ts'
import { Connections } from './connections.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

interface Served {
  readonly connections: Connections
  readonly port: number
  /** The answers that were asked for and not given yet. */
  readonly answers: ServerResponse[]
  close(): Promise<void>
}

async function serve(): Promise<Served> {
  const answers: ServerResponse[] = []
  const server: Server = createServer((request, response) => {
    connections.occupy(request.socket)
    answers.push(response)
  })
  const connections = new Connections(server, 'plain')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    await closed
  }
  return { connections, port: (server.address() as AddressInfo).port, answers, close }
}

test('a connection that never brought a request does not hold a server up', async () => {
  const served = await serve()
  await using silent = await openPlain(served.port)

  await served.connections.closeWhile(served.close())

  assert.equal(await silent.closed(), '')
})

test('a connection that becomes idle while its server closes is let go of', async () => {
  const served = await serve()
  await using connection = await openPlain(served.port)
  connection.send(GET)
  const answer = await eventually('the request comes', () => served.answers[0])
  answer.writeHead(200, { 'content-length': 2 })
  answer.write('o')
  await connection.received(/o$/)

  const closed = served.connections.closeWhile(served.close())
  answer.end('k')
  await closed

  assert.match(await connection.closed(), /keep-alive.*ok$/is)
})

test('cutting does not wait for what runs', async () => {
  const served = await serve()
  await using connection = await openPlain(served.port)
  connection.send(GET)
  await eventually('the request comes', () => served.answers[0])

  const closed = served.connections.closeWhile(served.close())
  served.connections.cutAll()
  await closed

  assert.equal(await connection.closed(), '')
})
