// A small world in one process: regions with a real nats-server, ingress, workers and a stand-in
// for Ollama each, and a gateway in front, joined by real HTTP and TLS on ports of the kernel's
// choice.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { type Gateway, startGateway } from '../../gateway/app.ts'
import { parseConfig as parseGatewayConfig } from '../../gateway/config.ts'
import { parseConfig as parseIngressConfig } from '../../regional-worker/ingress/config.ts'
import { startIngress } from '../../regional-worker/ingress/start-ingress.ts'
import { parseWorkerConfig } from '../../regional-worker/worker/config.ts'
import { startWorker } from '../../regional-worker/worker/start-worker.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { eventually } from './eventually.ts'
import { type NatsServer, startNatsServer } from './nats-server.ts'
import type { StandInOptions } from './ollama-stand-in/stand-in-options.ts'
import { type OllamaStandIn, startOllamaStandIn } from './ollama-stand-in/start-ollama-stand-in.ts'

export const REGION_PLACES = {
  'us-east': { lat: 40.7128, lon: -74.006, residencyTags: ['us'] },
  'eu-central': { lat: 50.1109, lon: 8.6821, residencyTags: ['eu'] },
  'ap-southeast': { lat: 1.3521, lon: 103.8198, residencyTags: ['ap'] },
} as const

export type RegionId = keyof typeof REGION_PLACES

/** Addresses whose place GeoLite2 knows. */
export const FROM = {
  europe: '2.2.2.2',
  australia: '1.1.1.1',
  newYork: '161.185.160.93',
  nowhere: '10.1.2.3',
} as const

export interface WorldOptions {
  readonly regions?: readonly [RegionId, ...RegionId[]]
  readonly workersPerRegion?: number
  readonly slots?: number
  readonly standIn?: StandInOptions
  /** Environment variables of the processes, over those that a test always has. */
  readonly gatewayEnv?: Readonly<Record<string, string>>
  readonly ingressEnv?: Readonly<Record<string, string>>
  readonly workerEnv?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface WorldRegion {
  readonly id: RegionId
  readonly nats: NatsServer
  readonly standIn: OllamaStandIn
  /** Ends the ingress: its port refuses from then on. */
  stopIngress(): Promise<void>
  /** Starts it again, on the same port. */
  startIngress(): Promise<void>
  drainIngress(): Promise<void>
  readonly workers: readonly {
    readonly id: string
    close(): Promise<void>
    drain(): Promise<void>
  }[]
}

export interface World extends AsyncDisposable {
  readonly gateway: Gateway
  /** `https://localhost:port`. */
  readonly url: string
  readonly ca: string
  /** For clients that take a dispatcher: it trusts the world's certificate. */
  readonly agent: Agent
  readonly regions: Readonly<Record<string, WorldRegion>>
  region(id: RegionId): WorldRegion
  /** Sends a request as a client with this address would, through a trusted proxy. */
  ask(path: string, options?: AskOptions): Promise<Answer>
  /** Asks the admin listener and returns its JSON. */
  admin(path: string): Promise<unknown>
}

export interface AskOptions {
  readonly body?: unknown
  readonly from?: string
  readonly method?: 'GET' | 'POST' | 'HEAD' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

const ALL: readonly [RegionId, ...RegionId[]] = ['us-east', 'eu-central', 'ap-southeast']

/** Starts a world and waits until every region is in rotation. Whoever starts disposes. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  await using opened = new AsyncDisposableStack()
  const [first, ...others] = options.regions ?? ALL
  const ids = [first, ...others]
  const certificates = opened.use(await makeCertificates({ regions: [first, ...others] }))
  const started = await Promise.all(ids.map((id) => startRegion(id, certificates, options)))
  const regions = started.map((region) => opened.use(region))
  const folder = await mkdtemp(join(tmpdir(), 'meridian-world-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const regionsFile = join(folder, 'regions.json')
  await writeFile(regionsFile, regionsJson(regions))
  const gateway = opened.use(
    await startGateway(gatewayConfig(certificates, regionsFile, options.gatewayEnv)),
  )
  const agent = new Agent({ connect: { ca: certificates.ca.cert }, headersTimeout: 60_000 })
  opened.defer(() => agent.destroy())
  const [url = ''] = gateway.publicUrls
  const admin = async (path: string): Promise<unknown> =>
    (await request(`${gateway.adminUrl}${path}`)).body.json()
  await allHealthy(admin, ids.length)
  const kept = opened.move()
  return {
    gateway,
    url,
    ca: certificates.ca.cert,
    agent,
    regions: Object.fromEntries(regions.map((region) => [region.id, region])),
    region: (id) => present(regions.find((region) => region.id === id)),
    ask: (path, ask = {}) => askOver(agent, `${url}${path}`, ask),
    admin,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function askOver(agent: Agent, url: string, ask: AskOptions): Promise<Answer> {
  const { body, from = FROM.nowhere, method = body === undefined ? 'GET' : 'POST' } = ask
  const answer = await request(url, {
    dispatcher: agent,
    method,
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from, ...ask.headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(ask.signal === undefined ? {} : { signal: ask.signal }),
  })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: await answer.body.text(),
  }
}

/** Waits until the gateway has heard from every region that it can serve. */
async function allHealthy(admin: (path: string) => Promise<unknown>, count: number): Promise<void> {
  const giveUpAt = performance.now() + 30_000
  for (;;) {
    const { regions } = (await admin('/admin/regions')) as {
      regions: { state: string; models: string[] }[]
    }
    const healthy = regions.filter(({ state, models }) => state === 'healthy' && models.length > 0)
    if (healthy.length === count) return
    if (performance.now() > giveUpAt) throw new Error(`not healthy: ${JSON.stringify(regions)}`)
    await pause(20)
  }
}

interface StartedRegion extends WorldRegion, AsyncDisposable {
  readonly ingressUrl: string
}

async function startRegion(
  id: RegionId,
  certificates: Certificates<RegionId>,
  options: WorldOptions,
): Promise<StartedRegion> {
  await using opened = new AsyncDisposableStack()
  const nats = opened.use(await startNatsServer({ jetstream: true }))
  const standIn = opened.use(
    await startOllamaStandIn({
      models: ['smollm2:135m', 'qwen3'],
      slots: 64,
      ...options.standIn,
      port: 0,
    }),
  )
  const common = { REGION_ID: id, NATS_URL: nats.url, LOG_LEVEL: 'error' }
  const ingressEnv = (port: string): Record<string, string> => ({
    ...common,
    INGRESS_ID: `${id}-ingress`,
    INGRESS_HOST: '127.0.0.1',
    INGRESS_PORT: port,
    INGRESS_ADMIN_PORT: '0',
    INGRESS_CERT_FILE: certificates.ingress[id].certFile,
    INGRESS_KEY_FILE: certificates.ingress[id].keyFile,
    MERIDIAN_CA_FILE: certificates.ca.certFile,
    ...options.ingressEnv,
  })
  let ingress = await startIngress(parseIngressConfig(ingressEnv('0'), id))
  const ingressUrl = ingress.url.replace('127.0.0.1', 'localhost')
  const { port } = new URL(ingress.url)
  opened.defer(() => ingress.close())
  const workers = await Promise.all(
    Array.from({ length: options.workersPerRegion ?? 1 }, (_, i) =>
      startWorker(
        parseWorkerConfig({
          ...common,
          WORKER_ID: `${id}-worker-${i + 1}`,
          WORKER_ADMIN_PORT: '0',
          WORKER_SLOTS: String(options.slots ?? 4),
          OLLAMA_HOST: standIn.url,
          ...options.workerEnv,
        }),
      ),
    ),
  )
  for (const worker of workers) opened.use(worker)
  // A gateway that meets a region before its workers would hold it down as one that was lost.
  await eventually(`${id} has healthy workers`, async () => {
    const { statusCode, body } = await request(`${ingress.adminUrl}/readyz`)
    await body.dump()
    return statusCode === 200
  })
  const kept = opened.move()
  return {
    id,
    ingressUrl,
    nats,
    standIn,
    workers,
    stopIngress: () => ingress.close(),
    startIngress: async () => {
      ingress = await startIngress(parseIngressConfig(ingressEnv(port), id))
    },
    drainIngress: () => ingress.drain(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function regionsJson(regions: readonly StartedRegion[]): string {
  return JSON.stringify({
    version: 1,
    proximity: 'client',
    residencyTags: ['us', 'eu', 'ap'],
    regions: regions.map(({ id, ingressUrl }) => ({
      id,
      name: id,
      ...REGION_PLACES[id],
      ingress: [ingressUrl],
    })),
  })
}

function gatewayConfig(
  certificates: Certificates<RegionId>,
  regionsFile: string,
  env: Readonly<Record<string, string>> = {},
) {
  return parseGatewayConfig({
    GATEWAY_ID: 'test',
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_HTTPS_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_TLS_CERT_FILE: certificates.publicLocalhost.certFile,
    GATEWAY_TLS_KEY_FILE: certificates.publicLocalhost.keyFile,
    MERIDIAN_CA_FILE: certificates.ca.certFile,
    GATEWAY_CERT_FILE: certificates.gateway.certFile,
    GATEWAY_KEY_FILE: certificates.gateway.keyFile,
    REGIONS_FILE: regionsFile,
    TRUSTED_PROXIES: '127.0.0.0/8,::1/128',
    GATEWAY_PLACE: '50.1109,8.6821',
    GATEWAY_DRAIN_DELAY_MS: '0',
    LOG_LEVEL: 'silent',
    ...env,
  })
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no such region in this world')
  return value
}

/** An OpenAI chat request; `[[stand-in:…]]` in the text asks the stand-in for a fault. */
export function chat(content: string, more: object = {}): object {
  return { model: 'smollm2:135m', messages: [{ role: 'user', content }], ...more }
}

/** The same in Ollama's dialect, which streams unless told otherwise. */
export function ollamaChat(content: string, more: object = {}): object {
  return { model: 'smollm2:135m', messages: [{ role: 'user', content }], stream: false, ...more }
}
