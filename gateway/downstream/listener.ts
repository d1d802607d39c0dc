// The door to Fastify for the public address: it reads requests, refuses what is ambiguous, and
// gives every answer its request id and every error its dialect.

import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify'
import { type ErrorCode, GatewayError } from '../errors.ts'
import { openContext, type RequestContext } from '../request-context.ts'
import { Connections } from './connections.ts'
import { dialectOf, localReply } from './local-reply.ts'
import { answerUnreadable, unreadableCodeOf } from './unreadable.ts'
import { ambiguityOf, pathOfTarget } from './wire-ambiguity.ts'

declare module 'fastify' {
  interface FastifyRequest {
    meridian: RequestContext
  }
}

export interface ListenerOptions {
  /** PEM texts; `undefined` = plain HTTP/1.1. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly bodyBytesMax: number
  readonly connectionsMax: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly newRequestId: () => string
  readonly clientAddressOf: (peer: string, forwardedFor: string | undefined) => string | undefined
  readonly nowMs: () => number
  /** In [0, 1). */
  readonly random: () => number
  readonly onBegin: (context: RequestContext) => void
  /** The last line of a request that was answered here. */
  readonly onEnd: (context: RequestContext) => void
}

/** A listener without routes: `app.ts` adds them. */
export interface Listener {
  readonly app: FastifyInstance
  /** Binds and returns the port. */
  listen(host: string, port: number): Promise<number>
  /** Takes no new connection, lets requests end, closes. May be called twice. */
  close(): Promise<void>
  /** Closes and cuts what is open. May be called twice, and while `close` waits. */
  cut(): Promise<void>
}

/** Streams that one HTTP/2 connection may have at once; Node's default is four thousand million. */
const HTTP2_STREAMS_MAX = 100
const HEAD_BYTES_MAX = 16_384
const REQUESTS_PER_CONNECTION_MAX = 1_000
const HANDSHAKE_TIMEOUT_MS = 10_000
/** TLS 1.3's own suites, and of 1.2 those with forward secrecy and AEAD. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Makes a listener. Nothing is bound before `listen`. */
export function createListener(options: ListenerOptions): Listener {
  const edge = new Edge(options)
  const app = newFastify(options, edge)
  const connections = new Connections(app.server, options.tls === undefined ? 'plain' : 'tls')
  app.decorateRequest('meridian', null as unknown as RequestContext)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    // A client that resets its stream ends the body, too: what came of it is no body.
    if (request.meridian.status === undefined) done(null, body)
    else done(new GatewayError('client_closed'))
  })
  app.addHook('onRequest', (request, reply, done) => {
    connections.occupy(request.raw.socket)
    done(edge.onRequest(request, reply))
  })
  app.setErrorHandler((error: FastifyError | GatewayError, request, reply) => {
    edge.answer(gatewayErrorOf(error), request, reply)
  })
  app.setNotFoundHandler(() => {
    throw new GatewayError('unknown_url')
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= connections.closeWhile(app.close())
    return closed
  }
  return {
    app,
    listen: async (host, port) => {
      await app.listen({ host, port })
      const address = app.server.address()
      return typeof address === 'object' && address !== null ? address.port : port
    },
    close,
    cut: () => {
      const cut = close()
      connections.cutAll()
      return cut
    },
  }
}

/** Registers a route and answers 405 to the methods that it does not offer. */
export function addMethodNotAllowed(app: FastifyInstance, url: string, allowed: string[]): void {
  const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
  app.route({
    method: others.filter((method) => !allowed.includes(method)),
    url,
    handler: (_request, reply) => {
      reply.header('allow', allowed.join(', '))
      throw new GatewayError('method_not_allowed')
    },
  })
}

function newFastify(options: ListenerOptions, edge: Edge): FastifyInstance {
  const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, tls } = options
  const shared = {
    bodyLimit: options.bodyBytesMax,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle' as const,
    // While we drain, requests on open connections are still answered: that is the point of it.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    rewriteUrl: beforeRouting,
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => {
      edge.onUnreadable(error, socket)
    },
    // Fastify's router meets these before any hook has run. Their types differ as the servers' do.
    frameworkErrors: (error: FastifyError, request: unknown, reply: unknown) => {
      edge.onUnroutable(error, request as FastifyRequest, reply as FastifyReply)
    },
    // Of the plain server. With TLS Fastify ignores them, and takes those of `https`.
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    http2SessionTimeout: keepAliveTimeoutMs,
  }
  const limits = {
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs),
  }
  // The two servers differ in type only: the routes never see which one it is.
  const app = (tls === undefined
    ? fastify({ ...shared, http: limits })
    : fastify({
        ...shared,
        http2: true,
        https: {
          ...limits,
          ...tls,
          allowHTTP1: true,
          minVersion: 'TLSv1.2',
          ciphers: CIPHERS,
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
          settings: { maxConcurrentStreams: HTTP2_STREAMS_MAX },
        },
      })) as unknown as FastifyInstance
  app.server.maxConnections = options.connectionsMax
  // Node would answer these by itself, without a request id. Whoever expects what nobody knows is
  // answered without it (RFC 9110 section 10.1.1); CONNECT is refused as ambiguous.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response))
  app.server.on('connect', (request, far: Duplex | ServerResponse) => {
    if (far instanceof Duplex)
      far.destroy() // Of HTTP/1 there is only the connection.
    else app.routing(request, far)
  })
  return app
}

const ROUTABLE_METHODS: ReadonlySet<string> = new Set(METHODS)

/** Gives the router what it can read: a path, and a method that HTTP knows. */
function beforeRouting(request: Pick<IncomingMessage, 'url' | 'headers' | 'method'>): string {
  // Over HTTP/2 any word may be a method, for which Fastify has an answer of its own. No route
  // offers this one, and the record of it says neither.
  if (!ROUTABLE_METHODS.has(request.method ?? '')) request.method = 'PURGE'
  return pathOfTarget(request.url ?? '', request.headers.host)
}

interface NewestRequest {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Counts the requests of the connection, from 1. */
  readonly number: number
}

/** What happens to every request before its route, and to those that get no further. */
class Edge {
  readonly #options: ListenerOptions
  /** The request that an HTTP/1 connection brought last, for what its parser cannot read of it. */
  readonly #newest = new WeakMap<Socket, NewestRequest>()
  /** Connections on which an ambiguous request came: what follows it on them is not believed. */
  readonly #distrusted = new WeakSet<Socket>()

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Opens the request's record, and returns why it is refused, if it is. */
  onRequest(request: FastifyRequest, reply: FastifyReply): GatewayError | undefined {
    request.meridian = this.#open(request)
    reply.header('x-request-id', request.meridian.requestId)
    // Every Ollama example is `curl -d`, which calls JSON a form, and Fastify refuses what it
    // cannot parse as a type at all: the body is bytes, whatever it says.
    request.headers['content-type'] = 'application/octet-stream'
    const isHttp2 = isHttp2Request(request)
    if (!isHttp2) this.#noteNewest(request, reply)
    const error = this.#refusalOf(request)
    if (error?.code === 'ambiguous_request' && !isHttp2) this.#distrusted.add(request.raw.socket)
    if (hasBody(request)) this.#limitBody(request, reply)
    return error
  }

  /** Answers a request for which the router had no word. */
  onUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    this.answer(this.onRequest(request, reply) ?? gatewayErrorOf(error), request, reply)
  }

  /** Answers an error in the dialect of the path, and ends the request's record. */
  answer(error: GatewayError, request: FastifyRequest, reply: FastifyReply): void {
    const { status, headers, body } = localReply(
      error,
      dialectOf(request.url),
      this.#options.random(),
    )
    this.#end(request.meridian, error, Buffer.byteLength(body))
    reply.status(status).headers(headers)
    closeBehind(error, request, reply)
    reply.send(body)
  }

  /** Answers what Node's parser could not read. Often there is no request, only a connection. */
  onUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
    const code = unreadableCodeOf(error)
    const newest = this.#newest.get(socket)
    if (code === undefined || socket.destroyed || !socket.writable) return void socket.destroy()
    const isBetween =
      newest === undefined || (newest.request.raw.complete && newest.reply.raw.writableFinished)
    if (isBetween) {
      const refusal = new GatewayError(code)
      const context = this.#openUnread(socket)
      this.#end(context, refusal, answerUnreadable(socket, refusal, context.requestId))
    } else if (newest.request.raw.complete || newest.reply.sent) {
      // An answer is on its way, or will be: words of ours in the middle of it would be read as
      // its.
      socket.destroy()
    } else newest.reply.send(new GatewayError(code))
  }

  #noteNewest(request: FastifyRequest, reply: FastifyReply): void {
    const { socket } = request.raw
    const number = (this.#newest.get(socket)?.number ?? 0) + 1
    this.#newest.set(socket, { request, reply, number })
    // Not left to Node's `maxRequestsPerSocket`, which says so too, but does not close, and answers
    // the requests that follow without a word.
    if (number >= REQUESTS_PER_CONNECTION_MAX) reply.raw.setHeader('connection', 'close')
  }

  #open(request: FastifyRequest): RequestContext {
    const context = openContext({
      requestId: this.#options.newRequestId(),
      startedMs: this.#options.nowMs(),
      method: NAMED_METHODS.has(request.method) ? request.method : OTHER_METHOD,
      route: request.routeOptions?.url ?? 'unknown',
      httpVersion: request.raw.httpVersion,
    })
    this.#place(context, request.socket.remoteAddress, request.headers['x-forwarded-for'])
    context.bytesIn = Number(request.headers['content-length'] ?? 0)
    this.#options.onBegin(context)
    return context
  }

  #openUnread(socket: Socket): RequestContext {
    const context = openContext({
      requestId: this.#options.newRequestId(),
      startedMs: this.#options.nowMs(),
      method: OTHER_METHOD,
      route: 'unreadable',
      httpVersion: '1.1',
    })
    this.#place(context, socket.remoteAddress, undefined)
    this.#options.onBegin(context)
    return context
  }

  #place(
    context: RequestContext,
    peer: string | undefined,
    forwardedFor: string | string[] | undefined,
  ): void {
    const entries = Array.isArray(forwardedFor) ? forwardedFor.join(', ') : forwardedFor
    const address = this.#options.clientAddressOf(peer ?? '', entries)
    if (address !== undefined) context.clientAddress = address
  }

  #refusalOf(request: FastifyRequest): GatewayError | undefined {
    const { raw } = request
    const isHttp2 = isHttp2Request(request)
    if (!isHttp2 && this.#distrusted.has(raw.socket)) return new GatewayError('ambiguous_request')
    const reason = ambiguityOf({
      isHttp2,
      httpVersion: raw.httpVersion,
      method: raw.method ?? '',
      target: raw.url ?? '',
      rawHeaders: raw.rawHeaders,
    })
    if (reason !== undefined) {
      return new GatewayError('ambiguous_request', { message: `Refused: ${reason}.` })
    }
    if (request.is404) return new GatewayError('unknown_url') // Before its body is read.
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      return new GatewayError('unsupported_encoding')
    }
    return undefined
  }

  /**
   * Limits how long a body may take, also one that nobody wants. Node's own limit knows nothing of
   * HTTP/2, and ends with the listener: without this one a slow body would outlive every drain.
   */
  #limitBody(request: FastifyRequest, reply: FastifyReply): void {
    const { raw } = request
    const timer = setTimeout(() => {
      if (reply.raw.writableEnded) raw.destroy()
      else if (!reply.sent) reply.send(new GatewayError('request_timeout'))
    }, this.#options.requestTimeoutMs)
    // Node says nothing more of a request that was answered while its parser had failed: the timer
    // of such a one runs out, and must not keep the process.
    timer.unref()
    raw.once('end', () => clearTimeout(timer))
    raw.once('close', () => {
      clearTimeout(timer)
      // Over HTTP/2 nothing but this says that the client has left within its body.
      if (!raw.readableEnded) this.#end(request.meridian, new GatewayError('client_closed'), 0)
    })
  }

  /** Ends a record, unless it has ended: of what befalls a request the first thing counts. */
  #end(context: RequestContext, error: GatewayError, bytesOut: number): void {
    if (context.status !== undefined) return
    context.status = error.status
    context.errorCode = error.code
    context.cause = error.cause
    context.bytesOut = bytesOut
    this.#options.onEnd(context)
  }
}

/** The methods that OpenTelemetry names (RFC 9110 and 5789), and its word for all others. */
const NAMED_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
])
const OTHER_METHOD = '_OTHER'

function isHttp2Request(request: FastifyRequest): boolean {
  const raw: IncomingMessage | Http2ServerRequest = request.raw
  return raw instanceof Http2ServerRequest
}

function hasBody({ raw, headers }: FastifyRequest): boolean {
  const request: IncomingMessage | Http2ServerRequest = raw
  if (request instanceof Http2ServerRequest) return !request.stream.endAfterHeaders
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return length !== '0' || coding !== undefined
}

/** Errors behind which the bytes of a connection are not read on. */
const LAST_ON_CONNECTION: readonly ErrorCode[] = [
  'ambiguous_request',
  'request_too_large',
  'request_timeout',
]

/** Ends an HTTP/1 connection of which no next request is wanted; of HTTP/2 the stream alone. */
function closeBehind(error: GatewayError, request: FastifyRequest, reply: FastifyReply): void {
  const raw: IncomingMessage | Http2ServerRequest = request.raw
  if (raw instanceof Http2ServerRequest) {
    reply.removeHeader('connection') // Of Fastify, for bodies that are too large.
    if (!raw.complete) raw.stream.once('finish', () => raw.stream.close())
  } else if (LAST_ON_CONNECTION.includes(error.code)) reply.header('connection', 'close')
}

/** Fastify's and Node's own refusals, by their codes; what is not named is ours. */
const FOREIGN_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'client_closed',
  FST_ERR_BAD_URL: 'unknown_url',
  FST_ERR_MAX_PARAM_LENGTH: 'unknown_url',
  ECONNRESET: 'client_closed',
}

/** Foreign texts quote what the client wrote: of those that are no bug only the code is kept. */
function gatewayErrorOf(error: FastifyError | GatewayError): GatewayError {
  if (error instanceof GatewayError) return error
  const code = FOREIGN_CODES[error.code]
  return new GatewayError(code ?? 'internal_error', { cause: code ? error.code : error })
}
