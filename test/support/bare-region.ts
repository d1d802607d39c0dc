// A region without a model: a real nats-server, a real ingress, a worker that says what the test
// tells it, and a gateway's side that keeps what it hears.

import { randomBytes } from 'node:crypto'
import { parseConfig } from '../../regional-worker/ingress/config.ts'
import { type RunningIngress, startIngress } from '../../regional-worker/ingress/start-ingress.ts'
import { createLog } from '../../regional-worker/observe/log.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { eventually } from './eventually.ts'
import { type NatsServer, startNatsServer } from './nats-server.ts'
import { callRegion, type RegionCaller } from './region-caller.ts'
import {
  type ScriptedWorker,
  type ScriptedWorkerOptions,
  startScriptedWorker,
} from './scripted-worker.ts'

export interface BareRegionOptions {
  /** Environment variables of the ingress, over those that a test always has. */
  readonly env?: Readonly<Record<string, string>>
  readonly worker?: Omit<ScriptedWorkerOptions, 'natsUrl'>
}

export interface BareRegion extends AsyncDisposable {
  readonly nats: NatsServer
  readonly certificates: Certificates<'eu-central'>
  readonly ingress: RunningIngress
  readonly worker: ScriptedWorker
  readonly gateway: RegionCaller
  /** The environment with which the ingress was started. */
  readonly env: Readonly<Record<string, string>>
  /** The value of a metric now, 0 when it has none: the first line that has all these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
}

/** Starts them all and resolves when the ingress knows its worker. Whoever starts disposes. */
export async function startBareRegion(options: BareRegionOptions = {}): Promise<BareRegion> {
  await using opened = new AsyncDisposableStack()
  const nats = opened.use(await startNatsServer({ jetstream: true }))
  const certificates = opened.use(await makeCertificates({ regions: ['eu-central'] }))
  const env = { ...environmentOf(certificates, nats.url), ...options.env }
  const ingress = opened.use(await startQuietIngress(env))
  const worker = opened.use(await startScriptedWorker({ natsUrl: nats.url, ...options.worker }))
  const { gateway: leaf, ca } = certificates
  const gateway = opened.use(callRegion({ url: ingress.url, ca: ca.cert, ...leaf }))
  await untilReady(ingress)
  const all = opened.move()
  return {
    nats,
    certificates,
    ingress,
    worker,
    gateway,
    env,
    async metric(name, labels = {}) {
      const answer = await fetch(`${ingress.adminUrl}/metrics`)
      return metricOf(await answer.text(), name, labels)
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Starts an ingress whose log is thrown away. */
export function startQuietIngress(env: Readonly<Record<string, string>>): Promise<RunningIngress> {
  const config = parseConfig(env, randomBytes(3).toString('hex'))
  const { region, id } = config
  const log = createLog({ role: 'ingress', region, id, level: 'info', out: { write() {} } })
  return startIngress(config, { log })
}

/** The environment of an ingress that listens on free ports of the loopback. */
export function environmentOf(
  { ca, ingress, trustDomain }: Certificates<'eu-central'>,
  natsUrl: string,
): Readonly<Record<string, string>> {
  return {
    REGION_ID: 'eu-central',
    INGRESS_HOST: '127.0.0.1',
    INGRESS_PORT: '0',
    INGRESS_ADMIN_PORT: '0',
    INGRESS_CERT_FILE: ingress['eu-central'].certFile,
    INGRESS_KEY_FILE: ingress['eu-central'].keyFile,
    MERIDIAN_CA_FILE: ca.certFile,
    MERIDIAN_TRUST_DOMAIN: trustDomain,
    NATS_URL: natsUrl,
  }
}

/** Waits until `/readyz` of an ingress says 200. */
export async function untilReady({ adminUrl }: RunningIngress): Promise<void> {
  let isReady = false
  const asked = setInterval(async () => {
    const { status } = await fetch(`${adminUrl}/readyz`).catch(() => ({ status: 0 }))
    isReady ||= status === 200
  }, 20)
  try {
    await eventually('the ingress is ready', () => isReady)
  } finally {
    clearInterval(asked)
  }
}

function metricOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = text
    .split('\n')
    .find((row) => row.startsWith(`${name}{`) && wanted.every((label) => row.includes(label)))
  return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0)
}
