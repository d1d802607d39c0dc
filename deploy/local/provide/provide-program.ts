import { constants } from 'node:fs'
import { access, mkdir, rename, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Environment } from '../config.ts'
import { LaunchError } from '../launch-error.ts'
import {
  type Candidate,
  decideProgram,
  formatVersion,
  isNewEnough,
  parseVersion,
  type Version,
} from './find-program.ts'
import type { Machine } from './machine.ts'
import { runCommand } from './run-command.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'

const VERSION_TIMEOUT_MS = 10_000

/** How one program is found, fetched and, when all fails, asked for. */
export interface ProgramRecipe {
  readonly name: string
  /** The variable that names a copy to use; it must then be usable. */
  readonly variable: string
  /** The oldest version of each line that will do, see `isNewEnough`. */
  readonly floors: readonly Version[]
  /** What `--version` needs in its environment to tell of itself and of nothing else. */
  readonly versionEnvironment?: Environment
  /** Tried in order while none has succeeded. */
  readonly sources: readonly ProgramSource[]
  /** The one line that installs it by hand. */
  readonly installLine: Readonly<Record<Machine['kind'], string>>
}

/**
 * Fetches a program: puts it into the empty `folder`, or installs it elsewhere, and returns its
 * path. @throws {Error} whose message says why it could not.
 */
export type ProgramSource = (machine: Machine, folder: string) => Promise<string>

export interface ProvidedProgram {
  readonly name: string
  readonly path: string
  readonly version: string
}

/**
 * Finds a program, or fetches it into `bin/` below the machine's store.
 *
 * A fetched program is asked for its version before it is put in its place by a rename, so a
 * command that runs at the same moment finds the old one, none, or the new one, and never half.
 *
 * @throws {LaunchError} naming what was tried and the line that installs it.
 */
export async function provideProgram(
  recipe: ProgramRecipe,
  machine: Machine,
): Promise<ProvidedProgram> {
  const verdict = await findProgram(recipe, machine)
  if (verdict.kind === 'use') return provided(recipe, verdict.path, verdict.version)
  if (verdict.kind === 'refuse') {
    throw new LaunchError(`${recipe.variable}: ${verdict.why}`, {
      remedy: `unset ${recipe.variable}`,
    })
  }
  const reasons = [...verdict.passedOver]
  for (const source of recipe.sources) {
    try {
      return await fetchProgram(recipe, source, machine)
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  const why = reasons.map((reason) => `\n  - ${reason}`).join('')
  throw new LaunchError(`${recipe.name} is missing and could not be fetched:${why}`, {
    remedy: recipe.installLine[machine.kind],
  })
}

/** Looks in all places where a program may be, without fetching anything. */
export async function findProgram(
  recipe: ProgramRecipe,
  machine: Machine,
): Promise<ReturnType<typeof decideProgram>> {
  const explicit = machine.environment[recipe.variable]
  if (explicit) {
    const found = await askVersion(recipe, explicit, machine)
    return decideProgram([{ source: 'explicit', path: explicit, found }], recipe.floors)
  }
  const onPath = (machine.environment.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => ['path', join(folder, recipe.name)] as const)
  const places = [...onPath, ['runtime', join(machine.storeDir, 'bin', recipe.name)] as const]
  const candidates: Candidate[] = []
  for (const [source, path] of places) {
    candidates.push({ source, path, found: await askVersion(recipe, path, machine) })
    const verdict = decideProgram(candidates, recipe.floors)
    if (verdict.kind === 'use') return verdict // The rest need not be run.
  }
  return decideProgram(candidates, recipe.floors)
}

async function askVersion(
  recipe: ProgramRecipe,
  path: string,
  machine: Machine,
): Promise<Candidate['found']> {
  if (!(await isExecutable(path))) return { kind: 'absent' }
  const answer = await runCommand(path, ['--version'], {
    environment: { ...machine.environment, ...recipe.versionEnvironment },
    timeoutMs: VERSION_TIMEOUT_MS,
  })
  if (answer.kind === 'absent') return { kind: 'mute', why: 'it cannot be run here' }
  if (answer.kind === 'failed') return { kind: 'mute', why: answer.why }
  const version = parseVersion(answer.output)
  return version === undefined
    ? { kind: 'mute', why: 'no version in its answer' }
    : { kind: 'version', version }
}

async function fetchProgram(
  recipe: ProgramRecipe,
  source: ProgramSource,
  machine: Machine,
): Promise<ProvidedProgram> {
  await using folder = await makeTemporaryFolder(machine.storeDir)
  const fetched = await source(machine, folder.path)
  const found = await askVersion(recipe, fetched, machine)
  if (found.kind !== 'version' || !isNewEnough(found.version, recipe.floors)) {
    throw new Error(`${fetched} was fetched, but is no usable ${recipe.name}`)
  }
  if (!fetched.startsWith(folder.path)) return provided(recipe, fetched, found.version)
  const bin = join(machine.storeDir, 'bin')
  await mkdir(bin, { recursive: true })
  const path = join(bin, recipe.name)
  await rename(fetched, path)
  return provided(recipe, path, found.version)
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

function provided(recipe: ProgramRecipe, path: string, version: Version): ProvidedProgram {
  return { name: recipe.name, path, version: formatVersion(version) }
}
