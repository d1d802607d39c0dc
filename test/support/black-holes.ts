// Far ends that take a connection and give nothing back, one for each place in which that can be.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { Worker } from 'node:worker_threads'

export interface FarEnd extends AsyncDisposable {
  /** `https://127.0.0.1:port`. */
  readonly origin: string
  /** The TCP connections that are open. */
  readonly sockets: ReadonlySet<Socket>
}

/**
 * Takes no connection at all: its thread is blocked and the kernel's queue is full, so that a new
 * caller's SYN is dropped. Where a kernel queues more, the caller waits for TLS instead.
 */
export async function startUnaccepting(): Promise<FarEnd> {
  const thread = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort } = require('node:worker_threads')
     const server = createServer()
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
     })`,
    { eval: true },
  )
  const [port] = (await once(thread, 'message')) as [number]
  const fillers = new Set([connect(port, '127.0.0.1'), connect(port, '127.0.0.1')])
  await Promise.all([...fillers].map((filler) => once(filler, 'connect')))
  return {
    origin: `https://127.0.0.1:${port}`,
    sockets: fillers,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler.destroy()
      await thread.terminate()
    },
  }
}

/** Accepts TCP connections and says nothing: a TLS handshake with it never ends. */
export async function startMute(): Promise<FarEnd> {
  return farEndOf(createServer((socket) => socket.resume()))
}

export interface Deaf extends FarEnd {
  /** Those of them over which TLS is up. */
  readonly secured: ReadonlySet<TLSSocket>
  /** Reads after all, which is how it notices that callers have gone. */
  hear(): void
}

/** Shakes hands over TLS and then reads nothing, so that a long request cannot be written. */
export async function startDeaf(tls: TlsOptions): Promise<Deaf> {
  const secured = new Set<TLSSocket>()
  const server = createTlsServer(tls, (socket) => {
    socket.on('error', () => undefined)
    secured.add(socket)
  })
  const hear = (): void => {
    for (const socket of secured) socket.resume()
  }
  return { ...(await farEndOf(server)), secured, hear }
}

export interface Relay extends FarEnd {
  /** Lets pass what has been held back, and everything after it. */
  release(): void
}

/** Accepts TCP connections at once and passes nothing on before it is told to. */
export async function startRelay(toPort: number): Promise<Relay> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const server = createServer((near) => {
    released.then(() => {
      const far = connect(toPort, '127.0.0.1')
      far.on('error', () => near.destroy())
      near.on('close', () => far.destroy())
      near.pipe(far).pipe(near)
    })
  })
  return { ...(await farEndOf(server)), release }
}

export interface Freezable extends FarEnd {
  /** From here on connections are taken and nothing passes, in neither direction. */
  freeze(): void
  /** Lets pass what has been held back, and everything after it. */
  thaw(): void
}

/** Passes everything on, and can be frozen as a machine that is stopped: its kernel goes on. */
export async function startFreezable(toPort: number): Promise<Freezable> {
  let isFrozen = false
  const links = new Set<Link>()
  const server = createServer((near) => {
    const link: Link = { near, far: undefined }
    links.add(link)
    near.on('close', () => {
      links.delete(link)
      link.far?.destroy()
    })
    if (!isFrozen) join(link, toPort)
  })
  return {
    ...(await farEndOf(server)),
    freeze: () => {
      isFrozen = true
      for (const { near, far } of links) {
        near.unpipe(far).pause()
        far?.unpipe(near).pause()
      }
    },
    thaw: () => {
      isFrozen = false
      for (const link of links) join(link, toPort)
    },
  }
}

interface Link {
  readonly near: Socket
  far: Socket | undefined
}

function join(link: Link, toPort: number): void {
  const { near } = link
  const far = link.far ?? connect(toPort, '127.0.0.1')
  if (link.far === undefined) {
    far.on('error', () => near.destroy())
    far.on('close', () => near.destroy())
  }
  link.far = far
  near.pipe(far).pipe(near)
}

async function farEndOf(server: Server): Promise<FarEnd> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined) // Callers that give up are what these ends are for.
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
