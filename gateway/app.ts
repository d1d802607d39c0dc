// The gateway as one thing that can be started and ended. The stations are joined here in travel
// order, downstream → place → regions → upstream → observe; they do not know each other.

import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type AdminListener, startAdminListener } from './admin/admin-listener.ts'
import { explainAddress, regionRow } from './admin/admin-views.ts'
import { ConfigError, type GatewayConfig } from './config.ts'
import { clientAddress } from './downstream/client-address.ts'
import { createListener, type Listener } from './downstream/listener.ts'
import { localReply } from './downstream/local-reply.ts'
import { GatewayError } from './errors.ts'
import type { GenerationStations } from './handle-generation.ts'
import { logAccess } from './observe/access-log.ts'
import { createLog, type Log } from './observe/log.ts'
import { createMetrics, type GatewayMetrics } from './observe/metrics.ts'
import { createReceipts, type Receipt, type Receipts } from './observe/receipts.ts'
import { defaultDatabasePath, type Geoip, type GeoipEvent, openGeoip } from './place/open-geoip.ts'
import { openSharing, shareRegions } from './region-sharing.ts'
import { isKnownModel } from './regions/candidates.ts'
import type { CostOptions } from './regions/cost.ts'
import { DECISION_DEFAULTS } from './regions/decision-options.ts'
import { canonicalModel } from './regions/model-name.ts'
import { parseRegions, type Regions } from './regions/region.ts'
import { parseResidencyHeader, residencyOf } from './regions/residency.ts'
import type { RequestContext } from './request-context.ts'
import { requestIds } from './request-ids.ts'
import { addRoutes } from './routes.ts'
import { Routing } from './routing.ts'
import { HEALTH_DEFAULTS } from './upstream/health-states.ts'
import type { PriorView } from './upstream/next-health.ts'
import { PROBE_DEFAULTS } from './upstream/probe-plan.ts'
import { showRedisAddress } from './upstream/redis-address.ts'
import { type FleetOptions, type RegionFleet, startFleet } from './upstream/region-fleet.ts'
import { candidateOf } from './upstream/region-view.ts'
import type { SharedView } from './upstream/shared-view.ts'

export interface Gateway extends AsyncDisposable {
  /** `https://…` and, where configured, `http://…`, with the ports that were bound. */
  readonly publicUrls: readonly string[]
  readonly adminUrl: string
  /** Warm shutdown: not ready at once, no new connections after the delay, running answers end. */
  drain(): Promise<void>
  /** Ends at once. May be called twice. */
  close(): Promise<void>
}

/** What the parts of one gateway share. */
interface Parts {
  readonly config: GatewayConfig
  readonly regions: Regions
  readonly log: Log
  readonly fleet: RegionFleet
  readonly geoip: Geoip
  readonly metrics: GatewayMetrics
  readonly routing: Routing
  readonly receipts: Receipts
  readonly inFlight: Set<RequestContext>
  /** What the gateways share, where they do. */
  readonly shared: SharedView | undefined
  readonly unshare: (() => void) | undefined
}

const nowMs = (): number => performance.now()

/**
 * Starts a gateway.
 *
 * @throws {ConfigError} for files that cannot be used; the errors of a bind as they are.
 */
export async function startGateway(config: GatewayConfig): Promise<Gateway> {
  const log = createLog(config.logLevel, config.gatewayId)
  const regions = await readRegions(config.regionsFile)
  const inFlight = new Set<RequestContext>()
  const metrics = createMetrics({
    inFlight: () => inFlight.size,
    regionsInRotation: () => fleet.inRotation(),
  })
  const ids = regions.regions.map(({ id }) => id)
  const shared = await openSharing(config, ids, log)
  const prior = await shared?.prior()
  const fleet = await openFleet(config, regions, prior, (view, from) => {
    const { region, health, problem } = view
    // What was in flight there may be tried once more, whatever the budget for retries says.
    const isLost = health.kind === 'suspect' || health.kind === 'ejected'
    if (from === 'healthy' && isLost) routing.grants.onDeparture(region.id)
    metrics.onHealthChange(region.id, from, health.kind)
    log.warn({ 'meridian.region': region.id, from, to: health.kind, problem }, 'region health')
  })
  const unshare = shared === undefined ? undefined : shareRegions(shared, fleet)
  const routing = openRouting(config, regions, fleet, shared)
  const receipts = await openReceipts(config)
  const geoip = await openPlaces(config, fleet, log)
  const parts: Parts = {
    ...{ config, regions, log, fleet, geoip, metrics, routing, receipts, inFlight },
    ...{ shared, unshare },
  }
  // A gateway that knows nothing yet would send its first clients anywhere.
  await fleet.firstRound
  const listeners = await openListeners(parts)
  const gateway = new RunningGateway(parts, listeners)
  await gateway.openAdmin()
  log.info(
    { role: 'gateway', urls: { public: gateway.publicUrls, admin: gateway.adminUrl } },
    'listening',
  )
  return gateway
}

async function readRegions(path: string): Promise<Regions> {
  const parsed = parseRegions(await readFile(path, 'utf8'))
  if (parsed.kind === 'regions') return parsed
  throw new ConfigError(parsed.problems.map((problem) => `${path}: ${problem}`))
}

async function openFleet(
  config: GatewayConfig,
  { regions }: Regions,
  prior: ReadonlyMap<string, PriorView> | undefined,
  onHealthChange: FleetOptions['onHealthChange'],
): Promise<RegionFleet> {
  const { caFile, certFile, keyFile, trustDomain } = config.mutualTls
  const [ca, cert, key] = await Promise.all(
    [caFile, certFile, keyFile].map((file) => readFile(file, 'utf8')),
  )
  // Node would trust the public authorities instead of an empty list of our own.
  if (!ca?.includes('BEGIN CERTIFICATE')) throw new ConfigError([`${caFile}: no certificate`])
  return startFleet({
    regions: regions.filter((region) => region.admin !== 'off'),
    tls: { ca, cert: cert ?? '', key: key ?? '' },
    trustDomain,
    connectionsMax: config.upstreamConnectionsMax,
    phaseLimits: config,
    healthLimits: {
      ...HEALTH_DEFAULTS,
      probeFall: config.probeFall,
      probeRise: config.probeRise,
      probeRiseOverMs: config.probeRise * config.probeEveryMs,
      holdDownMs: config.holdDownMs,
    },
    probeLimits: {
      ...PROBE_DEFAULTS,
      probeEveryMs: config.probeEveryMs,
      probeTimeoutMs: config.probeTimeoutMs,
      probeFastMs: config.probeEveryMs * 0.3,
    },
    nowMs,
    random: Math.random,
    priorOf: (regionId) => prior?.get(regionId),
    onHealthChange,
  })
}

function openRouting(
  config: GatewayConfig,
  regions: Regions,
  fleet: RegionFleet,
  shared: SharedView | undefined,
): Routing {
  return new Routing({
    facts: fleet.facts,
    options: {
      ...DECISION_DEFAULTS,
      proximity: regions.proximity,
      rampTimeMs: config.rampMs,
      retryFloor: config.retryFloor,
      // Until there are tenants everybody is one, whose share must not be less than the whole.
      tenantRetryShare: DECISION_DEFAULTS.retryShare,
      reportStaleMs: config.rttStaleMs,
    },
    gatewayId: config.gatewayId,
    gatewayTags: config.residencyTags,
    firstContentDeadlineMs: config.firstContentDeadlineMs,
    liveGateways: () => shared?.liveGateways() ?? 1,
    nowMs,
    wallClock: () => new Date().toISOString(),
    random: Math.random,
  })
}

/** @throws {ConfigError} when the file holds no private key. */
async function openReceipts({ receiptKeyFile }: GatewayConfig): Promise<Receipts> {
  if (receiptKeyFile === undefined) return createReceipts(undefined)
  try {
    return createReceipts(await readFile(receiptKeyFile, 'utf8'))
  } catch {
    throw new ConfigError([`GATEWAY_RECEIPT_KEY_FILE="${receiptKeyFile}": no private key`])
  }
}

async function openPlaces(config: GatewayConfig, fleet: RegionFleet, log: Log): Promise<Geoip> {
  return openGeoip({
    path: config.geoip.path ?? defaultDatabasePath(),
    statEveryMs: config.geoip.statEveryMs,
    cacheEntriesMax: config.geoip.cacheEntriesMax,
    gatewayLocation: () => config.place ?? placeOfNearestRegion(fleet),
    onEvent: (event) => log[levelOf(event)](event, 'geoip database'),
  })
}

/** Old data are a warning; data that cannot be used an error: everybody is at our own place. */
function levelOf(event: GeoipEvent): 'info' | 'warn' | 'error' {
  if (event.kind === 'refused') return 'error'
  return event.database.age === 'fresh' ? 'info' : 'warn'
}

/** Where nobody said where the gateway is, it is where the fastest region answers from. */
function placeOfNearestRegion(fleet: RegionFleet): { lat: number; lon: number } {
  const [nearest] = fleet
    .views()
    .toSorted((a, b) => (a.rttMs ?? Number.MAX_VALUE) - (b.rttMs ?? Number.MAX_VALUE))
  return { lat: nearest?.region.lat ?? 0, lon: nearest?.region.lon ?? 0 }
}

async function openListeners(parts: Parts): Promise<{ listener: Listener; url: string }[]> {
  const { config } = parts
  const plans: { scheme: string; port: number; tls: { cert: string; key: string } | undefined }[] =
    []
  if (config.tls !== undefined) {
    const [cert, key] = await Promise.all([
      readFile(config.tls.certFile, 'utf8'),
      readFile(config.tls.keyFile, 'utf8'),
    ])
    plans.push({ scheme: 'https', port: config.httpsPort, tls: { cert, key } })
  }
  if (config.httpPort !== undefined) {
    plans.push({ scheme: 'http', port: config.httpPort, tls: undefined })
  }
  const newRequestId = requestIds(config.gatewayId)
  const opened: { listener: Listener; url: string }[] = []
  for (const { scheme, port, tls } of plans) {
    const listener = newListener(parts, newRequestId, tls)
    const bound = await listener.listen(config.host, port)
    opened.push({ listener, url: `${scheme}://localhost:${bound}` })
  }
  return opened
}

function newListener(
  parts: Parts,
  newRequestId: () => string,
  tls: { cert: string; key: string } | undefined,
): Listener {
  const { config, inFlight } = parts
  const stations = stationsOf(parts)
  const listener = createListener({
    ...config,
    tls,
    newRequestId,
    clientAddressOf: (peer, forwardedFor) => {
      const client = clientAddress({
        peer,
        forwardedFor,
        trusted: config.trustedProxies,
        entriesMax: config.forwardedEntriesMax,
      })
      return client.kind === 'known' ? client.address : undefined
    },
    nowMs,
    random: Math.random,
    onBegin: (context) => inFlight.add(context),
    onEnd: stations.finish,
  })
  addRoutes(listener.app, {
    generation: stations,
    views: parts.fleet.views,
    readerTimeoutMs: config.readerTimeoutMs,
  })
  return listener
}

/** The stations in the order in which a request passes them. */
function stationsOf(parts: Parts): GenerationStations {
  const { config, regions, fleet, geoip, log, metrics, routing, receipts, inFlight } = parts
  return {
    requireModel: (model) => requireModel(fleet, model),
    locate: (address) => geoip.locate(address ?? ''),
    hashAffinity: (text) => hash('sha256', text).slice(0, 16),
    residencyOf: (asked) =>
      residencyOf(
        { byDefault: config.residencyDefault, request: parseResidencyHeader(asked) },
        regions.residencyTags,
      ),
    openRoute: (context, request) => routing.open(context, request),
    modelNameAt: (regionId, model) =>
      fleet.viewOf(regionId)?.models.get(canonicalModel(model)) ?? model,
    startAttempt: fleet.startAttempt,
    answerHeaders: (context, inner) => {
      const headers: Record<string, string | number> = { 'x-request-id': context.requestId }
      const { regionId } = context
      if (regionId !== undefined) {
        headers['x-meridian-region'] = regionId
        headers['x-meridian-attempts'] = context.attempts.length
        const server = fleet.viewOf(regionId)?.report?.modelServer.kind
        if (server === 'stand-in') headers['x-meridian-model-server'] = server
      }
      if (inner.ignored.length > 0) headers['x-meridian-ignored'] = inner.ignored.join(',')
      if (context.route.startsWith('/v1/')) {
        headers['openai-processing-ms'] = Math.round(nowMs() - context.startedMs)
      }
      if (context.isRestricted) headers['x-meridian-receipt'] = receipts.issue(receiptOf(context))
      return headers
    },
    localReply: (error, dialect) => localReply(error, dialect, Math.random()),
    finish: (context) => {
      const endedMs = nowMs()
      inFlight.delete(context)
      metrics.onRequestEnd(context, endedMs)
      logAccess(log, context, endedMs)
    },
    nowMs,
    wallClockS: () => Math.floor(Date.now() / 1_000),
    limits: config,
  }
}

/** The config as operators may see it: everything but the password of Redis. */
function shownConfig({ redis, ...config }: GatewayConfig): Record<string, unknown> {
  return { ...config, redis: redis === undefined ? null : showRedisAddress(redis) }
}

/** Every region that was given the text so far, each once. */
function receiptOf(context: RequestContext): Receipt {
  const { requestId, attempts } = context
  return {
    requestId,
    gateway: requestId.split('_')[1] ?? '',
    issuedS: Math.floor(Date.now() / 1_000),
    regions: [...new Set(attempts.map(({ regionId }) => regionId))],
  }
}

function costOptions({ config, regions }: Parts): CostOptions {
  return { proximity: regions.proximity, rttStaleMs: config.rttStaleMs }
}

/** @throws {GatewayError} `model_not_found` naming the models there are. */
function requireModel(fleet: RegionFleet, model: string): void {
  const views = fleet.views()
  // While no region has been heard of, nobody can say that there is no such model.
  if (views.every(({ report }) => report === undefined) || isKnownModel(views, model)) return
  const names = [...new Set(views.flatMap((view) => [...view.models.values()]))].sort()
  const there = names.length === 0 ? 'There are none.' : `There are: ${names.join(', ')}.`
  throw new GatewayError('model_not_found', {
    // Ollama's clients look for the first words, in this form.
    message: `model '${model.slice(0, 100)}' not found. ${there}`,
    param: 'model',
  })
}

class RunningGateway implements Gateway {
  readonly #parts: Parts
  readonly #listeners: readonly { listener: Listener; url: string }[]
  #admin: AdminListener | undefined
  #isDraining = false

  constructor(parts: Parts, listeners: readonly { listener: Listener; url: string }[]) {
    this.#parts = parts
    this.#listeners = listeners
  }

  get publicUrls(): readonly string[] {
    return this.#listeners.map(({ url }) => url)
  }

  get adminUrl(): string {
    return this.#admin?.url ?? ''
  }

  async openAdmin(): Promise<void> {
    const { config, fleet, geoip, metrics, routing, receipts } = this.#parts
    this.#admin = await startAdminListener(
      { host: config.adminHost, port: config.adminPort },
      {
        readiness: () => this.#readiness(),
        metricsText: metrics.text,
        regions: () => fleet.views().map((view) => regionRow(view, nowMs())),
        explainAddress: (ip) =>
          explainAddress({
            ip,
            place: geoip.locate(ip),
            candidates: fleet.views().map((view) => candidateOf(view, nowMs())),
            options: costOptions(this.#parts),
          }),
        config: () => shownConfig(config),
        route: (requestId) => routing.record(requestId),
        setDrained: (regionId, isDrained) => this.#setDrained(regionId, isDrained),
        receiptKey: () => receipts.publicKeyPem,
      },
    )
  }

  async drain(): Promise<void> {
    const { config, log } = this.#parts
    if (this.#isDraining) return
    this.#isDraining = true
    log.info({ delay_ms: config.drainDelayMs }, 'draining')
    // The load balancer in front sees `/readyz` fail before the listener closes.
    await pause(config.drainDelayMs)
    const finished = Promise.all(this.#listeners.map(({ listener }) => listener.close()))
    await Promise.race([finished, pause(config.drainTimeoutMs)])
    await Promise.all(this.#listeners.map(({ listener }) => listener.cut()))
    await this.close()
  }

  async close(): Promise<void> {
    const { fleet, geoip, shared, unshare } = this.#parts
    this.#isDraining = true
    unshare?.()
    // Attempts end with their connections, and with them the answers that the listeners wait for.
    await fleet.close()
    await Promise.all(this.#listeners.map(({ listener }) => listener.cut()))
    await Promise.all(this.#listeners.map(({ listener }) => listener.close()))
    await geoip.close()
    await shared?.close()
    await this.#admin?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #setDrained(regionId: string, isDrained: boolean): boolean {
    const { fleet, log, shared } = this.#parts
    if (fleet.viewOf(regionId) === undefined) return false
    fleet.setDrained(regionId, isDrained)
    void shared?.setDrain(regionId, { isDrained, by: 'admin' })
    log.warn({ 'meridian.region': regionId, isDrained }, 'region drain')
    return true
  }

  #readiness(): string[] {
    if (this.#isDraining) return ['draining']
    const isAnyIn = this.#parts.fleet.views().some(({ health }) => health.kind === 'healthy')
    return isAnyIn ? [] : ['no region is healthy']
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
