import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from './machine.ts'
import { aptInstall, goInstall, goModuleFolder } from './package-clients.ts'
import type { ProgramRecipe } from './provide-program.ts'

const VERSION = '0.13.5'
/** 2.5 minutes on two free cores. */
const BUILD_TIMEOUT_MS = 1_800_000

/**
 * Ollama, built from its Go module: the only source that needs no download page.
 *
 * A Go module leaves out every folder named `vendor`, which is where three C headers of Ollama's
 * lie. Two of them are Debian packages, the third is in another Go module.
 */
export const ollama: ProgramRecipe = {
  name: 'ollama',
  variable: 'MERIDIAN_OLLAMA',
  floors: [[0, 13, 5]], // What the continuation of a broken answer was checked with.
  // A server that runs would tell its own version instead; nothing listens on port 1.
  versionEnvironment: { OLLAMA_HOST: '127.0.0.1:1' },
  sources: [buildOllama],
  installLine: {
    debian: 'install Go 1.24 or newer and g++, then npm run provide -- ollama',
    mac: 'brew install ollama',
    other: `install Ollama ${VERSION} or newer, or set OLLAMA_HOST to one that runs elsewhere`,
  },
}

async function buildOllama(machine: Machine, folder: string): Promise<string> {
  const headers = headersFolder(machine)
  await provideDebianHeaders(machine)
  await provideMiniaudio(machine, headers)
  await goInstall(machine, `github.com/ollama/ollama@v${VERSION}`, {
    binFolder: folder,
    timeoutMs: BUILD_TIMEOUT_MS,
    // Without it a build from the module calls itself 0.0.0.
    flags: [`-ldflags=-X=github.com/ollama/ollama/version.Version=${VERSION}`],
    environment: { CGO_ENABLED: '1', CGO_CPPFLAGS: `-I${headers} -I/usr/include` },
  })
  return join(folder, 'ollama')
}

/**
 * A folder that another clone of this project has too: its path is part of the key under which Go
 * caches what it has compiled, and a warm cache saves most of the build.
 */
function headersFolder({ environment, storeDir }: Machine): string {
  const { XDG_CACHE_HOME, HOME } = environment
  const cache = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'))
  return cache ? join(cache, 'meridian', 'headers') : join(storeDir, 'headers')
}

async function provideDebianHeaders(machine: Machine): Promise<void> {
  const present = ['nlohmann/json.hpp', 'stb/stb_image.h'].every((header) =>
    existsSync(join('/usr/include', header)),
  )
  if (!present) await aptInstall(machine, ['nlohmann-json3-dev', 'libstb-dev'])
}

async function provideMiniaudio(machine: Machine, headers: string): Promise<void> {
  const target = join(headers, 'miniaudio/miniaudio.h')
  if (existsSync(target)) return
  const module = await goModuleFolder(machine, 'github.com/gen2brain/malgo@v0.11.24')
  await mkdir(join(headers, 'miniaudio'), { recursive: true })
  const half = `${target}.${process.pid}`
  await copyFile(join(module, 'miniaudio.h'), half)
  await rename(half, target)
}
