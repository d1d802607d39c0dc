// Starts the real nats-server. What it stores lies in a folder of its own, which is removed at the
// end; a restart keeps both the folder and the port, so that clients find it again.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

export interface NatsServerOptions {
  readonly jetstream?: boolean
  /** 0, the default, is any free port. */
  readonly port?: number
  /** Text of a configuration file, for what has no option here: accounts, permissions, TLS. */
  readonly config?: string
}

export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:port`. */
  readonly url: string
  readonly port: number
  /** Of the process that runs now. @throws {Error} when none does. */
  readonly pid: number
  /** Ends it by SIGTERM and waits until it has gone. Nothing happens when it is not running. */
  stop(): Promise<void>
  /** As `stop`, by SIGKILL. */
  kill(): Promise<void>
  /** Stops it if need be, and starts it again at the same port with what it had stored. */
  restart(): Promise<void>
}

/** How long a start may take, in ms. */
const START_TIMEOUT_MS = 10_000

/** Starts a server and resolves when it takes connections. Whoever starts it disposes of it. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-nats-'))
  const configFile = join(folder, 'nats.conf')
  if (options.config !== undefined) await writeFile(configFile, options.config)
  const args = [
    ...['-a', '127.0.0.1'],
    ...(options.jetstream ? ['-js', '-sd', folder] : []),
    ...(options.config === undefined ? [] : ['-c', configFile]),
  ]
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true })
  let { child, port } = await run(args, options.port || -1).catch(async (error: unknown) => {
    await removeFolder()
    throw error
  })

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      if (child.pid === undefined || child.exitCode !== null) throw new Error('it is not running')
      return child.pid
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      ;({ child, port } = await run(args, port))
    },
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
      await removeFolder()
    },
  }
}

/** Finds the program: `MERIDIAN_NATS_SERVER`, else `.runtime/bin`, else the path. */
export function findNatsServer(): string {
  const { MERIDIAN_NATS_SERVER: explicit, PATH = '' } = process.env
  if (explicit) return explicit
  const root = join(import.meta.dirname, '../..')
  const folders = [join(root, '.runtime/bin'), ...PATH.split(delimiter)]
  const found = folders.map((folder) => join(folder, 'nats-server')).find(isProgram)
  if (found === undefined) {
    throw new Error('no nats-server: run `node deploy/local/provide.ts nats-server`')
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

async function run(
  args: readonly string[],
  port: number,
): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(findNatsServer(), [...args, '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const killWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', killWithUs)
  child.once('exit', () => process.off('exit', killWithUs))
  const timer = setTimeout(killWithUs, START_TIMEOUT_MS)
  try {
    return { child, port: await portFromLog(child) }
  } finally {
    clearTimeout(timer)
  }
}

/** Reads the log until the server is ready. @throws {Error} with its end if it ends first. */
async function portFromLog(child: ChildProcess): Promise<number> {
  if (child.stderr === null) throw new Error('its log is not piped')
  const seen: string[] = []
  let port = 0
  const lines = createInterface({ input: child.stderr })
  for await (const line of lines) {
    seen.push(line)
    port ||= Number(/client connections on [^ ]*:(\d+)$/.exec(line)?.[1] ?? 0)
    if (!line.endsWith('Server is ready')) continue
    child.stderr.resume() // Nobody reads on, and a full pipe would stop it.
    return port
  }
  throw new Error(`nats-server did not start:\n${seen.slice(-20).join('\n')}`)
}
