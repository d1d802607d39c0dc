import { type ChildProcess, spawn } from 'node:child_process'
import type { Environment } from '../config.ts'
import type { BoundedLog } from './bounded-log.ts'
import { FirstLine } from './first-line.ts'
import { killGroup } from './kill-group.ts'

/** What to run. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Environment
}

/** Who has to know of every process group, so that none outlives the launcher. */
export interface Guard {
  watch(leader: number): void
  unwatch(leader: number): void
}

/** One run of a program, from its start to its end; its output goes to the log. */
export class Run {
  readonly startedMs = performance.now()
  /** Resolves to how it ended: a signal, an exit code, or why it could not be run at all. */
  readonly ended: Promise<string>
  /** Aborted when it has ended. */
  readonly over: AbortSignal
  readonly #child: ChildProcess
  #frozen = false

  constructor(command: Command, { log, guard }: { log: BoundedLog; guard: Guard }) {
    const child = spawn(command.program, command.args, {
      env: command.environment,
      detached: true, // A group of its own: Ctrl-C is for the launcher alone.
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const { pid } = child
    if (pid !== undefined) guard.watch(pid)
    child.stdout.on('data', (chunk: Buffer) => log.write(chunk))
    child.stderr.on('data', (chunk: Buffer) => log.write(chunk))
    child.once('exit', () => {
      if (pid === undefined) return
      killGroup(pid, 'SIGKILL') // What it had started itself, and would keep its output open.
      guard.unwatch(pid)
    })
    const over = new AbortController()
    this.over = over.signal
    this.ended = new Promise((resolve) => {
      // `close` and not `exit`: then the log has its last words.
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
      child.once('error', (error) => {
        log.write(Buffer.from(`${error.message}\n`))
        if (pid === undefined) resolve(error.message)
      })
    })
    this.ended.then(() => over.abort())
  }

  /** `undefined` when the program could not be run. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  get isFrozen(): boolean {
    return this.#frozen
  }

  /** Waits for the first line on stdout that `read` makes something of; `undefined` at the end. */
  firstLine<T>(read: (line: string) => T | undefined): Promise<T | undefined> {
    const line = new FirstLine(read, this.over)
    this.#child.stdout?.on('data', (chunk: Buffer) => line.push(chunk))
    return line.found
  }

  /** Signals it and what it has started; nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined || this.over.aborted) return
    killGroup(pid, signal)
    if (signal === 'SIGSTOP') this.#frozen = true
    if (signal === 'SIGCONT') this.#frozen = false
  }
}
