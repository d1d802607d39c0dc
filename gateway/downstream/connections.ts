import type { Server as HttpServer } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** How often connections are looked for that have become idle while a server closes. */
const LOOK_EVERY_MS = 100

/**
 * The connections of a server that is to close. It waits for every one of them, and Node lets go
 * only of those that are idle at that moment: not of one on which no request ever came, nor of one
 * whose answer ends a moment later. Either would hold a drain up for as long as it likes.
 */
export class Connections {
  readonly #server: HttpServer
  /** TCP connections on which TLS is not up yet, by the far end's address and port. */
  readonly #handshakes = new Map<string, Socket>()
  /** Connections of HTTP/1, and those of them that have not brought a request yet. */
  readonly #open = new Set<Socket>()
  readonly #silent = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  #isClosing = false

  constructor(server: HttpServer, transport: 'plain' | 'tls') {
    this.#server = server
    if (transport === 'plain') server.on('connection', (socket: Socket) => this.#greet(socket))
    else server.on('connection', (socket: Socket) => this.#shakeHands(socket))
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#handshakes.delete(farEndOf(socket))
      if (socket.alpnProtocol !== 'h2') this.#greet(socket)
    })
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
      if (this.#isClosing) session.close()
    })
  }

  /** Says that a request came. */
  occupy(socket: Socket): void {
    this.#silent.delete(socket)
  }

  /** Lets go of what nothing runs on, now and later, until `closed` is. */
  async closeWhile(closed: Promise<void>): Promise<void> {
    this.#isClosing = true
    for (const socket of [...this.#handshakes.values(), ...this.#silent]) socket.destroy()
    for (const session of this.#sessions) session.close() // Once its streams have ended.
    const timer = setInterval(() => this.#server.closeIdleConnections(), LOOK_EVERY_MS)
    try {
      await closed
    } finally {
      clearInterval(timer)
    }
  }

  /** Cuts everything, requests that run included. */
  cutAll(): void {
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#open) socket.destroy()
  }

  #greet(socket: Socket): void {
    if (this.#isClosing) return void socket.destroy()
    this.#open.add(socket)
    this.#silent.add(socket)
    socket.on('close', () => {
      this.#open.delete(socket)
      this.#silent.delete(socket)
    })
  }

  #shakeHands(socket: Socket): void {
    if (this.#isClosing) return void socket.destroy()
    const farEnd = farEndOf(socket)
    this.#handshakes.set(farEnd, socket)
    socket.on('close', () => this.#handshakes.delete(farEnd))
  }
}

/** Node shows the connection below a TLS connection nowhere else. */
function farEndOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
