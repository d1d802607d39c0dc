// Starts the real redis-server, without persistence: a restart keeps the port and forgets the rest.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

export interface RedisServerOptions {
  /** 0, the default, is any free port. */
  readonly port?: number
  /** Further settings as on the command line: `['--maxmemory', '1mb']`. */
  readonly settings?: readonly string[]
}

export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:port`. */
  readonly url: string
  readonly port: number
  /** Of the process that runs now. @throws {Error} when none does. */
  readonly pid: number
  /** Ends it by SIGTERM and waits until it has gone. Nothing happens when it is not running. */
  stop(): Promise<void>
  /** As `stop`, by SIGKILL. */
  kill(): Promise<void>
  /** Stops it in the middle of what it does: the kernel still takes connections and bytes. */
  freeze(): void
  /** Lets a frozen one go on. */
  thaw(): void
  /** Ends it if need be, and starts an empty one at the same port. */
  restart(): Promise<void>
}

/** How long a start may take, in ms. */
const START_TIMEOUT_MS = 10_000
/** Its own port 0 is no port at all, and one that was free may be taken a moment later. */
const PORTS_TRIED_MAX = 5

/** Starts a server and resolves when it takes connections. Whoever starts it disposes of it. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-redis-'))
  const args = [
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    ...(options.settings ?? []),
  ]
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const started = options.port ? run(args, options.port) : runAtFreePort(args)
  let { child, port } = await started.catch(async (error: unknown) => {
    await removeFolder()
    throw error
  })

  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isRunning()) return
    const exit = once(child, 'exit')
    child.kill('SIGCONT') // A frozen one would keep a SIGTERM for later.
    child.kill(signal)
    await exit
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      if (child.pid === undefined || !isRunning()) throw new Error('it is not running')
      return child.pid
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async restart() {
      await end('SIGKILL')
      ;({ child, port } = await run(args, port))
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
      await removeFolder()
    },
  }
}

/** Finds the program: `MERIDIAN_REDIS_SERVER`, else `.runtime/bin`, else the path. */
export function findRedisServer(): string {
  const { MERIDIAN_REDIS_SERVER: explicit, PATH = '' } = process.env
  if (explicit) return explicit
  const root = join(import.meta.dirname, '../..')
  const folders = [join(root, '.runtime/bin'), ...PATH.split(delimiter)]
  const found = folders.map((folder) => join(folder, 'redis-server')).find(isProgram)
  if (found === undefined) {
    throw new Error('no redis-server: run `node deploy/local/provide.ts redis-server`')
  }
  return found
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface Running {
  readonly child: ChildProcess
  readonly port: number
}

async function runAtFreePort(args: readonly string[]): Promise<Running> {
  for (let tried = 1; ; tried++) {
    try {
      return await run(args, await freePort())
    } catch (error) {
      const isTaken = error instanceof Error && /address already in use/i.test(error.message)
      if (!isTaken || tried === PORTS_TRIED_MAX) throw error
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function run(args: readonly string[], port: number): Promise<Running> {
  const child = spawn(findRedisServer(), ['--port', String(port), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const killWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', killWithUs)
  child.once('exit', () => process.off('exit', killWithUs))
  const timer = setTimeout(killWithUs, START_TIMEOUT_MS)
  try {
    await readyInLog(child)
    return { child, port }
  } finally {
    clearTimeout(timer)
  }
}

/** Reads the log until the server is ready. @throws {Error} with its end if it ends first. */
async function readyInLog(child: ChildProcess): Promise<void> {
  if (child.stdout === null) throw new Error('its log is not piped')
  const seen: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    seen.push(line)
    if (!line.includes('Ready to accept connections')) continue
    child.stdout.resume() // Nobody reads on, and a full pipe would stop it.
    return
  }
  throw new Error(`redis-server did not start:\n${seen.slice(-20).join('\n')}`)
}
