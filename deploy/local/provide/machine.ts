import { existsSync } from 'node:fs'
import type { Environment } from '../config.ts'

/** What providing may use: where things go, what this machine is, and whom to tell. */
export interface Machine {
  /** Fetched programs go to `bin/` below it, models to `models/` and `ollama/`. */
  readonly storeDir: string
  /** Its PATH is where programs and package clients are looked for. */
  readonly environment: Environment
  readonly kind: 'debian' | 'mac' | 'other'
  /** Whether system packages may be installed without asking for a password. */
  readonly isRoot: boolean
  /** Tells the person at the terminal what takes long, a line at a time. */
  readonly say: (line: string) => void
  /** Ends whatever package client is at work; absent is never. */
  readonly stop?: AbortSignal
}

/** Looks at the machine that this process runs on; progress goes to stderr. */
export function describeMachine(storeDir: string, environment: Environment): Machine {
  const isDebian = existsSync('/etc/debian_version') // Ubuntu has it too.
  return {
    storeDir,
    environment,
    kind: process.platform === 'darwin' ? 'mac' : isDebian ? 'debian' : 'other',
    isRoot: process.getuid?.() === 0,
    say: (line) => process.stderr.write(`${line}\n`),
  }
}
