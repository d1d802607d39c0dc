import { join } from 'node:path'
import { LaunchError } from '../launch-error.ts'
import { BoundedLog } from './bounded-log.ts'
import { GuardLink } from './guard-link.ts'
import { type ProcessSpec, SupervisedProcess } from './supervised-process.ts'

const GRACE_MS = 10_000

/**
 * Who goes first when all are stopped: `serving` processes finish what they do while the `ground`
 * that they stand on (NATS, Redis, the model server) is still there.
 */
export type Layer = 'ground' | 'serving'

interface Member {
  readonly layer: Layer
  readonly log: BoundedLog
  stop(): Promise<void>
}

/** All processes of one launcher. Disposing of it ends every one, and only those. */
export class Processes implements AsyncDisposable {
  readonly #logFolder: string
  readonly #restart: boolean
  readonly #say: (line: string) => void
  readonly #graceMs: number
  readonly #guard: GuardLink
  readonly #members: Member[] = []
  #stopping: Promise<void> | undefined

  /** `graceMs` is what lies between SIGTERM and SIGKILL; 10 s when it is not given. */
  constructor(options: {
    logFolder: string
    restart: boolean
    say: (line: string) => void
    graceMs?: number
  }) {
    this.#logFolder = options.logFolder
    this.#restart = options.restart
    this.#say = options.say
    this.#graceMs = options.graceMs ?? GRACE_MS
    this.#guard = new GuardLink(this.#graceMs)
  }

  /**
   * Takes a process in, without starting it; its log is `<name>.log` in the log folder.
   *
   * @throws {LaunchError} once all are being stopped: nobody would stop this one.
   */
  add<Addresses>(layer: Layer, spec: ProcessSpec<Addresses>): SupervisedProcess<Addresses> {
    if (this.#stopping !== undefined) throw new LaunchError(`${spec.name} came too late to start`)
    const log = new BoundedLog(join(this.#logFolder, `${spec.name}.log`))
    const process = new SupervisedProcess(spec, {
      log,
      guard: this.#guard,
      restart: this.#restart,
      say: this.#say,
    })
    this.#members.push({ layer, log, stop: () => process.stop(this.#graceMs) })
    return process
  }

  /** Ends all, one layer after the other. May be called twice. */
  stopAll(): Promise<void> {
    this.#stopping ??= this.#stopLayers()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stopAll()
  }

  async #stopLayers(): Promise<void> {
    for (const layer of ['serving', 'ground'] as const) {
      const members = this.#members.filter((member) => member.layer === layer)
      await Promise.all(members.map((member) => member.stop()))
    }
    this.#guard.close()
    for (const { log } of this.#members) log.close()
  }
}
