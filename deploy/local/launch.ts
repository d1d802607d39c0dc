// THE STORY of npm start: what is needed is provided, certificates are made, NATS and the model
// server come up, then ingresses and workers, and last the gateway, which finds its regions ready.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Started } from './banner.ts'
import { authorityPathOf } from './certificates/certificate-files.ts'
import { keepCertificates } from './certificates/keep-certificates.ts'
import type { LauncherConfig } from './config.ts'
import { ControlServer } from './control/control-server.ts'
import { LaunchError } from './launch-error.ts'
import { gatewayProcess } from './parts/gateway.ts'
import { type ModelServer, startModelServer } from './parts/model-server.ts'
import { LocalRegion } from './parts/region.ts'
import { decodeRegionsFile, type RegionsFile } from './parts/regions-file.ts'
import { type SharedRedis, startRedis } from './parts/shared-redis.ts'
import { describeMachine } from './provide/machine.ts'
import { natsServer } from './provide/nats-server.ts'
import { provideProgram } from './provide/provide-program.ts'
import { assertPortFree } from './supervise/ports.ts'
import { Processes } from './supervise/processes.ts'

const READY_TIMEOUT_MS = 30_000

/** A system that is up. Disposing of it ends every process it has started, and only those. */
export interface Launch extends AsyncDisposable {
  readonly started: Started
  readonly modelServer: ModelServer
  readonly redis: SharedRedis
}

/**
 * Starts everything and resolves when all of it can serve.
 *
 * `stop` ends a launch that is under way: it then throws. Once the launch is up, `stop` is the
 * caller's to watch. `say` tells what takes long and what went wrong.
 *
 * @throws {LaunchError} when something is missing, busy or does not come up; nothing runs then.
 */
export async function launch(
  config: LauncherConfig,
  { say, stop }: { say: (line: string) => void; stop: AbortSignal },
): Promise<Launch> {
  const { runtimeDir } = config
  await using parts = new AsyncDisposableStack()
  await assertGatewayPortsFree(config)
  await mkdir(runtimeDir, { recursive: true })
  const controlSocket = join(runtimeDir, 'launcher.sock')
  const control = parts.use(await ControlServer.listen(controlSocket))
  const regionsFile = await readRegions(config)
  const regionIds = regionsFile.regions.map(({ id }) => id)

  const machine = { ...describeMachine(config.storeDir, config.environment), say, stop }
  const { path: natsProgram } = await provideProgram(natsServer, machine)
  stop.throwIfAborted()
  const certificatesDir = join(runtimeDir, 'certs')
  parts.use(await keepCertificates(certificatesDir, regionIds, say))

  const logFolder = join(runtimeDir, 'logs')
  const processes = parts.use(new Processes({ logFolder, restart: config.restart, say }))
  stop.addEventListener('abort', () => processes.stopAll()) // Whoever is starting then gives up.
  const slots = regionIds.length * config.workersPerRegion * config.slotsPerWorker
  const [modelServer, redis] = await Promise.all([
    startModelServer(config, slots, processes),
    startRedis(config, machine, processes),
  ])

  const setup = { config, natsProgram, certificatesDir, modelServerUrl: modelServer.url }
  const regions = regionIds.map((id) => new LocalRegion(id, setup, processes))
  const startedRegions = await Promise.all(regions.map((region) => region.start()))
  await Promise.all(regions.map((region) => region.waitUntilReady()))

  const runFile = join(runtimeDir, 'regions.json')
  const urls = new Map(startedRegions.map(({ id, ingressUrl }) => [id, ingressUrl]))
  await writeFileAtomically(runFile, regionsFile.withIngresses(urls))
  const redisUrl = redis.kind === 'none' ? undefined : redis.url
  const links = { regionsFile: runFile, certificatesDir, redisUrl }
  const gateway = processes.add('serving', gatewayProcess(config, links))
  const { publicUrl, adminUrl } = await gateway.start()
  await gateway.waitUntilReady(READY_TIMEOUT_MS)

  control.regions = regions
  const running = parts.move()
  const started = {
    gateway: { url: publicUrl, adminUrl, pid: gateway.pid },
    ca: authorityPathOf(certificatesDir),
    regions: startedRegions,
    redis: redis.kind === 'none' ? null : { url: redis.url, pid: redis.process?.pid },
    modelServer: {
      url: modelServer.url,
      kind: modelServer.kind,
      pid: modelServer.process?.pid,
    },
    controlSocket,
  }
  return { started, modelServer, redis, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function assertGatewayPortsFree({ gateway }: LauncherConfig): Promise<void> {
  await assertPortFree({
    port: gateway.httpsPort,
    host: gateway.host,
    purpose: "the gateway's HTTPS",
    variable: 'GATEWAY_HTTPS_PORT',
  })
  await assertPortFree({
    port: gateway.adminPort,
    host: gateway.adminHost,
    purpose: "the gateway's admin listener",
    variable: 'GATEWAY_ADMIN_PORT',
  })
}

async function readRegions(config: LauncherConfig): Promise<RegionsFile> {
  try {
    return decodeRegionsFile(await readFile(config.regionsFile, 'utf8'), config.regionIds)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new LaunchError(`${config.regionsFile} cannot be used: ${why}`, { cause })
  }
}

async function writeFileAtomically(path: string, text: string): Promise<void> {
  const half = `${path}.${process.pid}`
  await writeFile(half, text)
  await rename(half, path)
}
