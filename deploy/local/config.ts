import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { REGION_ID } from '#wire/identity.ts'
import { EXIT, LaunchError } from './launch-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What this process was started with; children inherit it, so their knobs can be turned here. */
export const environment: Environment = process.env

export const PROJECT_DIR = resolve(import.meta.dirname, '../..')
/** Where programs, models and, unless `--runtime` says otherwise, everything else of a run lies. */
export const STORE_DIR = join(PROJECT_DIR, '.runtime')

export const WORKERS_PER_REGION_MAX = 16
/** Per worker. 16 × 16 is the 256 slots that a region may claim (`maxSlots` of regions.json). */
export const SLOTS_PER_WORKER_MAX = 16

/** The programs that the launcher starts with Node, as paths; tests put doubles in their place. */
export interface Entries {
  readonly gateway: string
  readonly ingress: string
  readonly worker: string
  readonly standIn: string
}

const ENTRIES: Entries = {
  gateway: join(PROJECT_DIR, 'gateway/main.ts'),
  ingress: join(PROJECT_DIR, 'regional-worker/ingress/main.ts'),
  worker: join(PROJECT_DIR, 'regional-worker/worker/main.ts'),
  standIn: join(PROJECT_DIR, 'test/support/ollama-stand-in/main.ts'),
}

export interface LauncherConfig {
  readonly runtimeDir: string
  readonly storeDir: string
  readonly regionsFile: string
  /** `undefined` is every region of the file. */
  readonly regionIds: readonly string[] | undefined
  readonly workersPerRegion: number
  readonly slotsPerWorker: number
  /** `detect` takes the Ollama that answers at `ollamaUrl`, and the stand-in when none does. */
  readonly modelServer: 'detect' | 'ollama' | 'stand-in'
  readonly ollamaUrl: string
  /** A Redis that exists already; `undefined` starts one when it can be had. */
  readonly redisUrl: string | undefined
  readonly gateway: GatewaySettings
  readonly report: 'banner' | 'json'
  readonly restart: boolean
  readonly environment: Environment
  readonly entries: Entries
}

/** What the launcher sets for the gateway unless the environment says otherwise. */
export interface GatewaySettings {
  readonly host: string
  /** 0 is any free port; so is it for `adminPort`. */
  readonly httpsPort: number
  readonly adminHost: string
  readonly adminPort: number
  readonly place: string
  readonly trustedProxies: string
}

const START_OPTIONS = {
  runtime: { type: 'string' },
  regions: { type: 'string' },
  workers: { type: 'string' },
  slots: { type: 'string' },
  ports: { type: 'string' },
  json: { type: 'boolean' },
  'no-restart': { type: 'boolean' },
  ollama: { type: 'boolean' },
  'stand-in': { type: 'boolean' },
} as const

/**
 * Reads the arguments of `npm start` and the variables that it shares with the processes.
 *
 * @throws {LaunchError} naming every problem at once, exit code 64.
 */
export function parseLauncherConfig(args: readonly string[], env: Environment): LauncherConfig {
  const { values } = orUsage(() => parseArgs({ args: [...args], options: START_OPTIONS }))
  const problems: string[] = []
  const integer = (name: string, text: string | undefined, fallback: number, max: number) => {
    if (text === undefined) return fallback
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN // Number('') would be 0.
    if (value >= 1 && value <= max) return value
    problems.push(`${name}="${text}": want an integer from 1 to ${max}`)
    return fallback
  }
  const port = (name: string, fallback: number): number =>
    values.ports === 'any' || env[name] === '0' ? 0 : integer(name, env[name], fallback, 65_535)

  const regionIds = values.regions?.split(',')
  for (const id of regionIds ?? []) {
    if (!REGION_ID.test(id)) problems.push(`--regions: "${id}" is no region id`)
  }
  if (values.ports !== undefined && values.ports !== 'any') {
    problems.push(`--ports="${values.ports}": want "any"; GATEWAY_HTTPS_PORT sets a fixed one`)
  }
  if (values.ollama && values['stand-in']) {
    problems.push('--ollama and --stand-in exclude each other')
  }
  const config: LauncherConfig = {
    runtimeDir: values.runtime === undefined ? STORE_DIR : resolve(values.runtime),
    storeDir: STORE_DIR,
    regionsFile: env.REGIONS_FILE ?? join(PROJECT_DIR, 'geo-data/regions.json'),
    regionIds,
    workersPerRegion: integer('--workers', values.workers, 2, WORKERS_PER_REGION_MAX),
    slotsPerWorker: integer('--slots', values.slots, 2, SLOTS_PER_WORKER_MAX),
    modelServer: values.ollama ? 'ollama' : values['stand-in'] ? 'stand-in' : 'detect',
    ollamaUrl: ollamaUrlOf(env.OLLAMA_HOST),
    redisUrl: env.REDIS_URL,
    gateway: {
      host: env.GATEWAY_HOST ?? '127.0.0.1',
      httpsPort: port('GATEWAY_HTTPS_PORT', 8443),
      adminHost: env.GATEWAY_ADMIN_HOST ?? '127.0.0.1',
      adminPort: port('GATEWAY_ADMIN_PORT', 9090),
      place: env.GATEWAY_PLACE ?? '50.1109,8.6821', // Frankfurt.
      trustedProxies: env.TRUSTED_PROXIES ?? '127.0.0.0/8,::1/128',
    },
    report: values.json ? 'json' : 'banner',
    restart: !values['no-restart'],
    environment: env,
    entries: ENTRIES,
  }
  if (problems.length > 0) throw usageError(problems.join('\n'))
  return Object.freeze(config)
}

/** What `npm run region` can do to a region; the order is that of the usage line. */
export const REGION_ACTIONS = ['kill', 'stop', 'cont', 'drain', 'start'] as const
export type RegionAction = (typeof REGION_ACTIONS)[number]

/** Tells whether a word is one of `REGION_ACTIONS`. */
export function isRegionAction(text: unknown): text is RegionAction {
  return REGION_ACTIONS.some((action) => action === text)
}

/** @throws {LaunchError} with the usage line when the arguments are not an action and a region. */
export function parseRegionCommand(args: readonly string[]): {
  action: RegionAction
  regionId: string
  runtimeDir: string
} {
  const options = { runtime: { type: 'string' } } as const
  const { values, positionals } = orUsage(() =>
    parseArgs({ args: [...args], options, allowPositionals: true }),
  )
  const [action, regionId, ...rest] = positionals
  if (!isRegionAction(action) || regionId === undefined || rest.length > 0) {
    throw usageError(`usage: npm run region -- ${REGION_ACTIONS.join('|')} <region>`)
  }
  const runtimeDir = values.runtime === undefined ? STORE_DIR : resolve(values.runtime)
  return { action, regionId, runtimeDir }
}

/**
 * Reads where Ollama's own clients would look: `host`, `host:port` or a URL, 127.0.0.1:11434 when
 * empty. A wildcard address, which is for servers, means this machine.
 */
export function ollamaUrlOf(host: string | undefined): string {
  const text = host?.trim() || '127.0.0.1:11434'
  const hasScheme = /^https?:\/\//.test(text)
  const authority = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  // With a scheme the port is the scheme's own, as in Ollama's clients.
  const withPort = hasScheme || /:\d+$/.test(authority) ? authority : `${authority}:11434`
  const scheme = text.startsWith('https://') ? 'https' : 'http'
  return `${scheme}://${withPort.replace(/^(0\.0\.0\.0|\[::\])(?=:|$)/, '127.0.0.1')}`
}

function orUsage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error))
  }
}

function usageError(message: string): LaunchError {
  return new LaunchError(message, { exitCode: EXIT.usage })
}
