// An ingress reduced to its HTTP side: a real mutual-TLS server whose answers the test says step by
// step, so that every order of things, the wrong ones too, can be played to a gateway.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { encodeFrame, encodeFrameLength, type FrameType } from '#wire/frames.ts'
import type { LoadReport } from '#wire/load-report.ts'
import { FRAMES_TYPE, HEALTH_PATH, MODELS_PATH, WORK_PATH } from '#wire/region-api.ts'
import { eventually } from './eventually.ts'

export interface ScriptedIngressOptions {
  /** PEM texts: what the ingress shows, and the authority of its callers. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  /** The region that its reports name. */
  readonly region: string
  /** 0, the default, takes any free port. */
  readonly port?: number
}

/** Answers one `GET /health`. */
export type HealthScript = (nonce: string, response: ServerResponse) => void

export interface ScriptedIngress extends AsyncDisposable {
  readonly origin: string
  readonly port: number
  /** Every `POST /work` so far. */
  readonly calls: readonly ScriptedCall[]
  /** How many TCP connections have been accepted so far. */
  readonly connections: number
  /** How many are open. */
  readonly openConnections: number
  /** How many times the load report was asked for. */
  readonly probes: number
  /** Plays the part of `GET /health`; at first a good report is answered. */
  health: HealthScript
  /** What `GET /models` answers. */
  models: string
  /** Waits for the n-th `POST /work`, counted from 1. */
  call(number: number): Promise<ScriptedCall>
  /** The good report that is answered unless told otherwise, with some fields replaced. */
  report(nonce: string, fields?: Partial<LoadReport>): string
  close(): Promise<void>
}

/** Starts to listen on 127.0.0.1. Whoever starts disposes. */
export async function startScriptedIngress(
  options: ScriptedIngressOptions,
): Promise<ScriptedIngress> {
  const server = createServer({
    ...options.tls,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    keepAliveTimeout: 60_000, // Longer than any test: the gateway's side lets go.
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return new RunningIngress(server, options.region)
}

/** The load report among the wire's fixtures. */
const GOOD_REPORT = JSON.parse(
  readFileSync(join(import.meta.dirname, '../wire/fixtures/v1/load-report.json'), 'utf8'),
) as LoadReport

class RunningIngress implements ScriptedIngress {
  readonly calls: ScriptedCall[] = []
  readonly port: number
  readonly #server: Server
  readonly #region: string
  readonly #sockets = new Map<number, Socket>()
  connections = 0
  probes = 0
  models = '{"models":[]}'
  health: HealthScript = (nonce, response) => response.end(this.report(nonce))

  constructor(server: Server, region: string) {
    this.#server = server
    this.#region = region
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket: Socket) => this.#onConnection(socket))
    server.on('request', (request, response) => this.#onRequest(request, response))
  }

  get origin(): string {
    return `https://127.0.0.1:${this.port}`
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  call(number: number): Promise<ScriptedCall> {
    return eventually(`call ${number} arrives`, () => this.calls[number - 1])
  }

  report(nonce: string, fields: Partial<LoadReport> = {}): string {
    const seq = this.probes
    return JSON.stringify({ ...GOOD_REPORT, nonce, region: this.#region, seq, ...fields })
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets.values()) socket.destroy()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #onConnection(socket: Socket): void {
    const port = socket.remotePort ?? 0
    this.connections += 1
    this.#sockets.set(port, socket)
    // The socket below TLS: cutting it is what a lost machine looks like.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(port))
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', this.origin)
    if (pathname === MODELS_PATH) return void response.end(this.models)
    if (pathname === HEALTH_PATH) {
      this.probes += 1
      return this.health(searchParams.get('nonce') ?? '', response)
    }
    assert.equal(pathname, WORK_PATH)
    const socket = this.#sockets.get(request.socket.remotePort ?? 0)
    assert.ok(socket)
    this.calls.push(new ScriptedCall(request, response, socket))
  }
}

/** One `POST /work`, answered in the words of the wire. */
export class ScriptedCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The whole body of the request, once it has arrived. */
  readonly body: Promise<Buffer>
  /** The caller's port, which tells its connections apart. */
  readonly port: number
  readonly #socket: Socket
  #sequence = 0
  /** The connection was closed, by the gateway or here, before the answer had ended. */
  isClosed = false

  constructor(request: IncomingMessage, response: ServerResponse, socket: Socket) {
    this.request = request
    this.response = response
    this.port = socket.remotePort ?? 0
    this.#socket = socket
    const chunks: Buffer[] = []
    this.body = new Promise((resolve) => {
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => resolve(Buffer.concat(chunks)))
      request.on('error', () => undefined) // The test sees it as `isClosed`.
    })
    response.on('close', () => {
      this.isClosed = !response.writableFinished
    })
  }

  /** Says 102: the queue has the work. */
  accept(): this {
    this.response.writeProcessing()
    return this
  }

  /** Sends status and headers: a worker has started. */
  start(workerId = 'w1'): this {
    this.response.writeHead(200, { 'content-type': FRAMES_TYPE, 'meridian-worker': workerId })
    this.response.flushHeaders()
    return this
  }

  frame(type: FrameType, payload: Buffer | string = ''): this {
    this.response.write(this.frameBytes(type, payload))
    return this
  }

  /** The bytes of the next frame, for a test that sends them its own way. */
  frameBytes(type: FrameType, payload: Buffer | string = ''): Buffer {
    this.#sequence += 1
    return frameBytes(type, this.#sequence, payload)
  }

  /** Says the next number twice, or leaves numbers out. */
  skipTo(sequence: number): this {
    this.#sequence = sequence - 1
    return this
  }

  end(): this {
    this.response.end()
    return this
  }

  /** Ends the answer with a status and, usually, a `RegionFailure` as JSON. */
  fail(status: number, body: string): this {
    this.response.writeHead(status, { 'content-type': 'application/json' })
    this.response.end(body)
    return this
  }

  /** Cuts the connection as a machine that goes away: a TCP reset, no goodbye of TLS. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Waits until the gateway has closed the connection. */
  async closed(): Promise<void> {
    await eventually('the gateway closes the connection', () => this.isClosed)
  }
}

/** A frame as it travels over HTTP, its length in front. */
export function frameBytes(type: FrameType, sequence: number, payload: Buffer | string): Buffer {
  const frame = encodeFrame(type, sequence, payload)
  return Buffer.concat([encodeFrameLength(frame), frame])
}
