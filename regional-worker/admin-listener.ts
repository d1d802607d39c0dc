import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { METRICS_TYPE } from './observe/metrics.ts'

export interface Readiness {
  readonly ready: boolean
  /** Why not, as codes; may also warn while ready. */
  readonly reasons: readonly string[]
}

export interface AdminListenerOptions {
  readonly host: string
  /** 0 is any free port. */
  readonly port: number
  readonly isReady: () => Readiness
  readonly metricsText: () => Promise<string>
}

export interface AdminListener {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string
  /** Stops listening and cuts what is open. May be called twice. */
  close(): Promise<void>
}

/** How many may ask at the same time: a supervisor, a scraper, a few people. */
const CONNECTIONS_MAX = 64

/**
 * Answers `GET /livez` (200 while the process lives), `GET /readyz` (200 or 503, with reasons) and
 * `GET /metrics`. It has no authentication and therefore listens on the loopback unless configured.
 *
 * Rejects with Node's own error when the address cannot be taken.
 */
export async function startAdminListener(options: AdminListenerOptions): Promise<AdminListener> {
  const server = createServer(
    {
      headersTimeout: 5_000,
      requestTimeout: 5_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 8_192,
      requireHostHeader: true,
    },
    (request, response) => void answer(request, response, options),
  )
  server.maxConnections = CONNECTIONS_MAX
  server.listen({ host: options.host, port: options.port })
  await once(server, 'listening') // Rejects on 'error'.
  const { address, family, port } = server.address() as AddressInfo
  let closed: Promise<unknown> | undefined
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close() {
      closed ??= once(server.close(), 'close')
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { isReady, metricsText }: AdminListenerOptions,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  const isKnown = path === '/livez' || path === '/readyz' || path === '/metrics'
  if (!isKnown) return end(response, 404, JSON_TYPE, '{"error":"not found"}')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return end(response, 405, JSON_TYPE, '{"error":"method not allowed"}')
  }
  if (path === '/livez') return end(response, 200, JSON_TYPE, '{"live":true}')
  if (path === '/readyz') {
    const readiness = isReady()
    return end(response, readiness.ready ? 200 : 503, JSON_TYPE, JSON.stringify(readiness))
  }
  try {
    end(response, 200, METRICS_TYPE, await metricsText())
  } catch {
    end(response, 500, JSON_TYPE, '{"error":"a metric could not be read"}')
  }
}

const JSON_TYPE = 'application/json'

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(body) // For HEAD Node leaves the body out.
}
