import { setTimeout as delay } from 'node:timers/promises'
import { LaunchError } from '../launch-error.ts'
import type { BoundedLog } from './bounded-log.ts'
import { pollUntil } from './poll.ts'
import { countFailure, restartDelayMs } from './restart-backoff.ts'
import { type Command, type Guard, Run } from './run.ts'

const START_TIMEOUT_MS = 30_000
const READY_POLL_MS = 100
const LOG_LINES_SHOWN = 20

/** As much of a run as is needed to find out where it listens. */
export type RunningProcess = Pick<Run, 'pid' | 'over' | 'firstLine'>

/** How one process is started and known to be there. */
export interface ProcessSpec<Addresses> {
  readonly name: string
  /** Called at each start; `known` are the addresses of the last one, to be listened on again. */
  readonly command: (known: Addresses | undefined) => Command
  /** Resolves when the process listens; to `undefined` when `run.over` came first. */
  readonly findAddresses: (run: RunningProcess) => Promise<Addresses | undefined>
  /** Asks once whether the process can serve. */
  readonly isReady: (addresses: Addresses) => Promise<boolean>
}

export interface SupervisionOptions {
  readonly log: BoundedLog
  readonly guard: Guard
  /** Whether a process that ends by itself is started again. */
  readonly restart: boolean
  /** Tells the person at the terminal. */
  readonly say: (line: string) => void
}

export type ProcessStatus = 'up' | 'frozen' | 'restarting' | 'down'

/**
 * One process that is kept running at the same addresses until somebody wants it down.
 *
 * `start` fails when the process ends before it listens; once it has listened, an end that nobody
 * asked for is followed by a restart after 0.5 s to 5 s, if restarts are on.
 */
export class SupervisedProcess<Addresses> {
  readonly name: string
  readonly #spec: ProcessSpec<Addresses>
  readonly #options: SupervisionOptions
  #wanted: 'up' | 'down' = 'down'
  #run: Run | undefined
  #addresses: Addresses | undefined
  #starting: Promise<Addresses> | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #failures = 0
  #timesTakenDown = 0
  #retired = false

  constructor(spec: ProcessSpec<Addresses>, options: SupervisionOptions) {
    this.name = spec.name
    this.#spec = spec
    this.#options = options
  }

  /** The process's id; `undefined` while none runs. */
  get pid(): number | undefined {
    return this.#run?.pid
  }

  get status(): ProcessStatus {
    if (this.#run !== undefined) return this.#run.isFrozen ? 'frozen' : 'up'
    return this.#restartTimer === undefined ? 'down' : 'restarting'
  }

  /**
   * Starts the process, or lets it go on if it was frozen, and resolves when it listens.
   *
   * One that runs already is left alone; one that is about to end is waited for, up to 30 s.
   *
   * @throws {LaunchError} with the end of its log when it does not come to listen within 30 s.
   */
  start(): Promise<Addresses> {
    this.#starting ??= this.#startOnce().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  /** @throws {LaunchError} with the end of its log when it is not ready `timeoutMs` from now. */
  async waitUntilReady(timeoutMs: number): Promise<void> {
    const ask = async (): Promise<true | undefined> => {
      this.#assertWanted()
      if (this.status === 'down') throw this.#failure('has ended')
      if (this.#addresses === undefined) return undefined
      return (await this.#spec.isReady(this.#addresses)) || undefined
    }
    const ready = await pollUntil(ask, { timeoutMs, everyMs: READY_POLL_MS })
    if (ready === undefined) throw this.#failure(`was not ready within ${timeoutMs} ms`)
  }

  /** Sends a signal that ends it and keeps it down; resolves when it has ended. */
  async takeDown(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#wanted = 'down'
    this.#timesTakenDown += 1
    this.#forgetRestart()
    const run = this.#run
    run?.signal(signal)
    run?.signal('SIGCONT') // A stopped process takes its SIGTERM when it goes on.
    await run?.ended
  }

  /** Ends it for good, by SIGTERM, and by SIGKILL when it has not gone after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#retired = true
    const run = this.#run
    const kill = setTimeout(() => run?.signal('SIGKILL'), graceMs)
    await this.takeDown('SIGTERM')
    clearTimeout(kill)
  }

  /** Stops it where it is, by SIGSTOP: its connections stay open and nothing answers. */
  freeze(): void {
    this.#run?.signal('SIGSTOP')
  }

  /** Lets it go on after `freeze`. */
  thaw(): void {
    this.#run?.signal('SIGCONT')
  }

  async #startOnce(): Promise<Addresses> {
    if (this.#wanted === 'up' && this.#run !== undefined && this.#addresses !== undefined) {
      this.thaw()
      return this.#addresses
    }
    const takenDown = this.#timesTakenDown
    await this.#waitForEnd()
    if (this.#timesTakenDown > takenDown) throw this.#wasTakenDown()
    if (this.#retired) throw new LaunchError(`${this.name} has been stopped for good`)
    this.#forgetRestart()
    this.#wanted = 'up'
    this.#failures = 0
    const run = this.#launch()
    const addresses = await this.#awaitAddresses(run)
    if (addresses !== undefined && !run.over.aborted) {
      run.ended.then((how) => this.#planRestart(run, how))
      return addresses
    }
    this.#assertWanted()
    await this.takeDown('SIGKILL')
    throw this.#failure('did not start')
  }

  #assertWanted(): void {
    if (this.#wanted === 'down') throw this.#wasTakenDown()
  }

  #wasTakenDown(): LaunchError {
    return new LaunchError(`${this.name} was taken down meanwhile`)
  }

  async #waitForEnd(): Promise<void> {
    const tooLong = new AbortController()
    const ended = this.#run?.ended.finally(() => tooLong.abort())
    if (ended === undefined) return
    await delay(START_TIMEOUT_MS, undefined, { signal: tooLong.signal }).catch(() => undefined)
    if (!tooLong.signal.aborted) {
      throw new LaunchError(`${this.name} has not finished what it does; try again later`)
    }
  }

  #launch(): Run {
    const run = new Run(this.#spec.command(this.#addresses), this.#options)
    this.#run = run
    run.ended.then(() => {
      if (this.#run === run) this.#run = undefined
    })
    return run
  }

  /** A process that does not come to listen in time is killed, and with that its run is over. */
  async #awaitAddresses(run: Run): Promise<Addresses | undefined> {
    const tooLong = setTimeout(() => run.signal('SIGKILL'), START_TIMEOUT_MS)
    try {
      const addresses = await this.#spec.findAddresses(run)
      if (addresses !== undefined) this.#addresses = addresses
      return addresses
    } finally {
      clearTimeout(tooLong)
    }
  }

  #planRestart(run: Run, how: string): void {
    if (this.#wanted === 'down') return
    const { restart, say } = this.#options
    if (!restart) {
      say(`${this.name} ended (${how})`)
      return
    }
    this.#failures = countFailure(this.#failures, performance.now() - run.startedMs)
    const delayMs = restartDelayMs(this.#failures)
    say(`${this.name} ended (${how}); starting it again in ${delayMs / 1000} s`)
    this.#restartTimer = setTimeout(() => this.#restart(), delayMs)
  }

  #restart(): void {
    this.#restartTimer = undefined
    const run = this.#launch()
    run.ended.then((how) => this.#planRestart(run, how))
    void this.#awaitAddresses(run)
  }

  #forgetRestart(): void {
    clearTimeout(this.#restartTimer)
    this.#restartTimer = undefined
  }

  #failure(what: string): LaunchError {
    const { log } = this.#options
    const lines = log.lastLines(LOG_LINES_SHOWN).map((line) => `\n    ${line}`)
    return new LaunchError(`${this.name} ${what}; the end of ${log.path}:${lines.join('')}`)
  }
}
