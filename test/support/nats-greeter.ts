import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface NatsGreeter extends AsyncDisposable {
  readonly url: string
}

/**
 * Greets as a nats-server with these fields in its `INFO`, answers pings, and does nothing else: a
 * version, or a limit, that no server at hand has.
 */
export async function startNatsGreeter(info: Record<string, unknown>): Promise<NatsGreeter> {
  const sockets = new Set<Socket>()
  const greeting = { headers: true, max_payload: 1_048_576, ...info }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // The client's end.
    socket.write(`INFO ${JSON.stringify(greeting)}\r\n`)
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
