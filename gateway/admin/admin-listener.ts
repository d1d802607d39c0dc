// The operator's side of a gateway: health, metrics and what it thinks of the world. A listener of
// its own, on loopback unless told otherwise; nothing here answers on the public address.

import { type FastifyInstance, fastify } from 'fastify'

export interface AdminSources {
  /** Why the gateway is not ready; empty = ready. */
  readiness(): readonly string[]
  metricsText(): Promise<string>
  regions(): unknown
  /** Where a client of this address would go now; `undefined` when it is no address. */
  explainAddress(ip: string): unknown
  config(): unknown
  /** Why a request went where it went; `undefined` when that is not known any more. */
  route(requestId: string): unknown
  /** Tells a region to finish, or to begin again. False when there is no such region. */
  setDrained(regionId: string, isDrained: boolean): boolean
  /** The key that receipts are verified with, PEM. */
  receiptKey(): string
}

export interface AdminListener {
  /** `http://host:port`, with the port that was bound. */
  readonly url: string
  close(): Promise<void>
}

/** Starts the admin listener. @throws the error of the bind, such as EADDRINUSE. */
export async function startAdminListener(
  address: { readonly host: string; readonly port: number },
  sources: AdminSources,
): Promise<AdminListener> {
  const app = fastify({
    bodyLimit: 65_536,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    requestTimeout: 30_000, // Fastify sets these two itself, also over what `http` says.
    keepAliveTimeout: 65_000,
    http: { headersTimeout: 10_000 },
  })
  addHealth(app, sources)
  addViews(app, sources)
  const url = await app.listen(address)
  return { url, close: () => app.close() }
}

function addHealth(app: FastifyInstance, sources: AdminSources): void {
  app.get('/livez', () => ({ status: 'live' }))
  app.get('/readyz', (_request, reply) => {
    const reasons = sources.readiness()
    if (reasons.length === 0) return { status: 'ready' }
    return reply.status(503).send({ status: 'not ready', reasons })
  })
  app.get('/metrics', async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8')
    return sources.metricsText()
  })
}

const NO_REGION = { error: 'no such region' }

function addViews(app: FastifyInstance, sources: AdminSources): void {
  app.get('/admin/regions', () => ({ regions: sources.regions() }))
  app.get('/admin/config', () => sources.config())
  app.get('/admin/receipt-key', (_request, reply) => {
    reply.type('application/x-pem-file')
    return sources.receiptKey()
  })
  app.get<{ Params: { id: string } }>('/admin/routes/:id', (request, reply) => {
    const record = sources.route(request.params.id)
    return record ?? reply.status(404).send({ error: 'no such request, or not any more' })
  })
  for (const verb of ['drain', 'undrain'] as const) {
    app.post<{ Params: { id: string } }>(`/admin/regions/:id/${verb}`, (request, reply) => {
      const { id } = request.params
      const isThere = sources.setDrained(id, verb === 'drain')
      return isThere ? { region: id, drained: verb === 'drain' } : reply.status(404).send(NO_REGION)
    })
  }
  app.get<{ Querystring: { ip?: string } }>('/admin/locate', (request, reply) => {
    const { ip } = request.query
    const answer = typeof ip === 'string' ? sources.explainAddress(ip) : undefined
    if (answer !== undefined) return answer
    return reply.status(400).send({ error: 'ip: want one IPv4 or IPv6 address, as in ?ip=1.1.1.1' })
  })
}
