import { join } from 'node:path'
import type { StartedRegion } from '../banner.ts'
import type { LauncherConfig, RegionAction } from '../config.ts'
import type { Processes } from '../supervise/processes.ts'
import type { ProcessStatus, SupervisedProcess } from '../supervise/supervised-process.ts'
import { type IngressAddresses, ingressProcess } from './ingress.ts'
import { type NatsAddresses, natsProcess } from './nats.ts'
import { type WorkerAddresses, workerProcess } from './worker.ts'

const READY_TIMEOUT_MS = 30_000

/** What a region needs from the rest of the launch. */
export interface RegionSetup {
  readonly config: LauncherConfig
  readonly natsProgram: string
  readonly certificatesDir: string
  readonly modelServerUrl: string
}

/** One region on this machine: a nats-server, an ingress and workers. */
export class LocalRegion {
  readonly id: string
  readonly #nats: SupervisedProcess<NatsAddresses>
  readonly #ingress: SupervisedProcess<IngressAddresses>
  readonly #workers: readonly SupervisedProcess<WorkerAddresses>[]
  #natsUrl = ''

  /** Takes the region's processes in, without starting any. */
  constructor(id: string, setup: RegionSetup, processes: Processes) {
    const { config } = setup
    const folder = join(config.runtimeDir, 'nats', id)
    const environment = () => ({
      ...config.environment,
      REGION_ID: id,
      NATS_URL: this.#natsUrl,
      OLLAMA_HOST: setup.modelServerUrl,
    })
    this.id = id
    this.#nats = processes.add(
      'ground',
      natsProcess({
        regionId: id,
        program: setup.natsProgram,
        folder,
        environment: config.environment,
      }),
    )
    this.#ingress = processes.add(
      'serving',
      ingressProcess({
        id: `${id}-ingress`,
        entry: config.entries.ingress,
        certificatesDir: setup.certificatesDir,
        environment,
      }),
    )
    this.#workers = Array.from({ length: config.workersPerRegion }, (_, at) =>
      processes.add(
        'serving',
        workerProcess({
          id: `${id}-worker-${at + 1}`,
          entry: config.entries.worker,
          slots: config.slotsPerWorker,
          environment,
        }),
      ),
    )
  }

  /** Starts all of the region in its order; resolves when all of it listens, and NATS can serve. */
  async start(): Promise<StartedRegion> {
    const nats = await this.#nats.start()
    this.#natsUrl = nats.url
    await this.#nats.waitUntilReady(READY_TIMEOUT_MS)
    const [ingress, workers] = await Promise.all([
      this.#ingress.start(),
      Promise.all(this.#workers.map((worker) => worker.start())),
    ])
    return {
      id: this.id,
      ingressUrl: ingress.ingressUrl,
      nats: { ...nats, pid: this.#nats.pid },
      ingress: { id: this.#ingress.name, pid: this.#ingress.pid, adminUrl: ingress.adminUrl },
      workers: this.#workers.map(({ name, pid }, at) => ({
        id: name,
        pid,
        adminUrl: workers[at]?.adminUrl,
      })),
    }
  }

  /** Resolves when ingress and workers can serve. */
  async waitUntilReady(): Promise<void> {
    await Promise.all(this.#serving().map((process) => process.waitUntilReady(READY_TIMEOUT_MS)))
  }

  /** Does to the region what `npm run region` was asked to do; resolves when it is done. */
  async act(action: RegionAction): Promise<void> {
    switch (action) {
      case 'kill':
        await Promise.all(this.#all().map((process) => process.takeDown('SIGKILL')))
        return
      case 'stop':
        for (const process of this.#all()) process.freeze()
        return
      case 'cont':
        for (const process of this.#all()) process.thaw()
        return
      case 'drain':
        await Promise.all(this.#serving().map((process) => process.takeDown('SIGTERM')))
        return
      case 'start':
        for (const process of this.#all()) process.thaw() // NATS first would wait for frozen ones.
        await this.start()
        await this.waitUntilReady()
        return
      default:
        action satisfies never
    }
  }

  /** Says how each process is, in the order of their start. */
  statuses(): readonly { name: string; status: ProcessStatus; pid: number | undefined }[] {
    return this.#all().map(({ name, status, pid }) => ({ name, status, pid }))
  }

  #serving() {
    return [this.#ingress, ...this.#workers]
  }

  #all() {
    return [this.#nats, ...this.#serving()]
  }
}
