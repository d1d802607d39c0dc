import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type RegionErrorCode, regionFailure } from '#wire/error-codes.ts'
import { decodeIdentity } from '#wire/identity.ts'
import { HEALTH_PATH, MODELS_PATH, NONCE, WORK_PATH } from '#wire/region-api.ts'
import { answerFailure } from './failure-answer.ts'

export interface ListenerOptions {
  readonly host: string
  /** 0 is any free port. */
  readonly port: number
  /** PEM texts: the authority of the inner links, our certificate and its key. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly trustDomain: string
  readonly connectionsMax: number
  /** Answers `POST /work`; it owns the response. */
  readonly work: (request: IncomingMessage, response: ServerResponse) => void
  /** The load report as JSON. */
  readonly health: (nonce: string) => string
  /** The merged model list as JSON. */
  readonly models: () => string
  /**
   * Hears of each connection that came to nothing: its handshake failed, or its certificate is good
   * and names no gateway. `detail` is an error's code or the name.
   */
  readonly peerRefused: (why: 'handshake' | 'identity', detail: string) => void
}

export interface Listener {
  /** `https://host:port`, with the port that was really taken. */
  readonly url: string
  /** How many connections are open. */
  readonly connections: number
  /** Stops listening and cuts what is open. May be called twice. */
  close(): Promise<void>
}

/**
 * Listens for gateways over HTTP/1.1 with mutual TLS. Who a peer is, is looked at once for each
 * connection, as soon as its handshake is over; the requests of a peer that is no gateway are
 * answered `forbidden-peer`, and the connection is closed.
 *
 * Rejects with Node's own error when the address cannot be taken or the certificate cannot be used.
 */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const strangers = new WeakSet<object>()
  const server = createListening(options, (request, response) => {
    if (strangers.has(request.socket)) return refuse(response, 'forbidden-peer')
    answer(options, request, response)
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const name = socket.getPeerX509Certificate()?.subjectAltName
    if (decodeIdentity(name, options.trustDomain)?.role === 'gateway') return
    strangers.add(socket)
    options.peerRefused('identity', name ?? '')
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    options.peerRefused('handshake', error.code ?? error.name)
  })
  server.listen({ host: options.host, port: options.port })
  await once(server, 'listening') // Rejects on 'error'.
  return listenerOf(server)
}

function createListening(
  { tls, connectionsMax }: ListenerOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      ...tls,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      handshakeTimeout: 5_000,
      ALPNProtocols: ['http/1.1'],
      keepAliveTimeout: 10_000, // The gateway lets go after 4 s, so it never meets a closing one.
      headersTimeout: 10_000,
      requestTimeout: 30_000, // To receive the body; the answer may take longer.
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
      highWaterMark: 262_144, // From here on a worker is paused; below it, frames only pass.
      noDelay: true,
      requireHostHeader: true,
      insecureHTTPParser: false,
    },
    onRequest,
  )
  server.maxConnections = connectionsMax
  server.maxRequestsPerSocket = 0 // No limit: a gateway keeps its connections for hours.
  // A connection on which nothing moves; queued work says 102 every second, a running one `alive`.
  server.timeout = 60_000
  return server
}

function answer(
  options: ListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method, url = '' } = request
  const [path, query] = url.split('?', 2)
  if (path === WORK_PATH && method === 'POST') return options.work(request, response)
  if (path === HEALTH_PATH && method === 'GET') {
    const nonce = new URLSearchParams(query).get('nonce') ?? ''
    if (!NONCE.test(nonce)) return answerFailure(response, BAD_CALL)
    return answerJson(response, options.health(nonce))
  }
  if (path === MODELS_PATH && method === 'GET') return answerJson(response, options.models())
  answerFailure(response, BAD_CALL)
}

const BAD_CALL = regionFailure('bad-call')

function answerJson(response: ServerResponse, text: string): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

function refuse(response: ServerResponse, code: RegionErrorCode): void {
  response.setHeader('connection', 'close')
  answerFailure(response, regionFailure(code))
}

function listenerOf(server: Server): Listener {
  const { address, family, port } = server.address() as AddressInfo
  const sockets = new Set<Socket>()
  let closed: Promise<unknown> | undefined
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    url: `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    get connections() {
      return sockets.size
    },
    async close() {
      closed ??= once(server.close(), 'close')
      // Node's `closeAllConnections` leaves out those whose handshake is under way.
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
