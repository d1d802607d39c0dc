import { execFile } from 'node:child_process'
import type { Environment } from '../config.ts'

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const WHY_LINES_MAX = 3

export type CommandResult =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly why: string }

/**
 * Runs a program to its end, found by the PATH of `environment`, and never throws.
 *
 * `output` is what it wrote to stdout and then to stderr. `absent` is a program that does not
 * exist; `why` is the end of what it said, the time limit, or that `stop` was aborted. It stays in
 * the terminal's signal group on purpose: Ctrl-C ends a download with the command that wanted it.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options: {
    environment: Environment
    timeoutMs: number
    cwd?: string
    stop?: AbortSignal | undefined
  },
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const settings = {
      env: options.environment,
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES_MAX,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.stop === undefined ? {} : { signal: options.stop }),
    } as const
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'done', output: stdout + stderr })
      else if (error.code === 'ENOENT') resolve({ kind: 'absent' })
      else if (error.killed)
        resolve({ kind: 'failed', why: `no end after ${options.timeoutMs} ms` })
      else resolve({ kind: 'failed', why: lastLines(stderr) || lastLines(stdout) || error.message })
    })
  })
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-WHY_LINES_MAX).join(' / ')
}
