// pure
import { parseArgs } from 'node:util'
import type { ModelSpec } from './model-catalog.ts'

/** How a stand-in is started; whatever is absent has the default named here. */
export interface StandInOptions {
  /** 0 takes any free port, as it does when absent. */
  readonly port?: number
  /** 127.0.0.1. */
  readonly host?: string
  /** How many generations run at once, at least one; 2. */
  readonly slots?: number
  /** How many more wait before others get 503; 512, as Ollama. */
  readonly waitingMax?: number
  /** `smollm2:135m` and `qwen3`. */
  readonly models?: readonly (string | ModelSpec)[]
  /** Between two tokens; 0. */
  readonly tokenDelayMs?: number
  /** Before the first token, once the slot is there; 0. */
  readonly prefillDelayMs?: number
  /** Before the slot, when the model is not resident; 0. */
  readonly loadDelayMs?: number
  /** The words of a natural answer; 20. */
  readonly tokens?: number
  /** Writes each token by itself even when there is no delay between them. */
  readonly flushEachToken?: boolean
  /** Opens a second door for control only, which `refuse` leaves open; 0 takes any free port. */
  readonly controlPort?: number
}

const PORT_DEFAULT = 11_434

/** What the command line of the process understands. */
export const USAGE = [
  'node main.ts [--port 11434] [--host 127.0.0.1] [--slots 2] [--waiting-max 512]',
  '  [--models smollm2:135m,qwen3] [--tokens 20] [--token-delay-ms 0] [--prefill-delay-ms 0]',
  '  [--load-delay-ms 0] [--flush-each-token] [--control-port N]',
].join('\n')

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  slots: { type: 'string' },
  'waiting-max': { type: 'string' },
  models: { type: 'string' },
  tokens: { type: 'string' },
  'token-delay-ms': { type: 'string' },
  'prefill-delay-ms': { type: 'string' },
  'load-delay-ms': { type: 'string' },
  'flush-each-token': { type: 'boolean' },
  'control-port': { type: 'string' },
} as const

/** Names every problem of a command line at once. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** @throws {ArgumentError} with the usage. */
export function parseArguments(args: readonly string[]): StandInOptions {
  const problems: string[] = []
  const values = parseValues(args)
  const number = (name: keyof typeof values, min: number, max: number): number | undefined => {
    const text = values[name]
    if (typeof text !== 'string') return undefined
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    const isRight =
      value >= min && value <= max && (name.endsWith('-ms') || Number.isInteger(value))
    if (!isRight) problems.push(`--${name} ${text}: want a number from ${min} to ${max}`)
    return value
  }
  const models = values.models?.split(',').map((name) => name.trim())
  if (models?.some((name) => name === '')) problems.push('--models: want names between commas')
  const options = {
    port: number('port', 0, 65_535) ?? PORT_DEFAULT,
    host: values.host,
    slots: number('slots', 1, 10_000),
    waitingMax: number('waiting-max', 0, 1_000_000),
    models,
    tokens: number('tokens', 0, 100_000),
    tokenDelayMs: number('token-delay-ms', 0, 3_600_000),
    prefillDelayMs: number('prefill-delay-ms', 0, 3_600_000),
    loadDelayMs: number('load-delay-ms', 0, 3_600_000),
    flushEachToken: values['flush-each-token'],
    controlPort: number('control-port', 0, 65_535),
  }
  if (problems.length > 0) throw new ArgumentError([...problems, USAGE].join('\n'))
  return withoutAbsent(options)
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (cause) {
    throw new ArgumentError(`${cause instanceof Error ? cause.message : cause}\n${USAGE}`)
  }
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

function withoutAbsent<T extends object>(options: T): Present<T> {
  const present = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as Present<T>
}
