// The door of pino for the processes of a region.

import { type DestinationStream, destination, type Level, pino, stdTimeFunctions } from 'pino'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Data of a line, under OpenTelemetry's names where there is one; never a prompt or an answer. */
export type LogFields = Readonly<Record<string, unknown>>

/** A message is constant and lower case; what varies is in the fields. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

export interface LogOptions {
  readonly role: 'ingress' | 'worker'
  readonly region: string
  readonly id: string
  readonly level: LogLevel
  /** Where lines go instead of standard output; tests read them there. */
  readonly out?: DestinationStream
}

/**
 * Makes the log of one process: JSON lines on standard output, or short ones when that is a
 * terminal. Lines are written in the background and flushed when the process exits. An `Error`
 * under the field `error` becomes `exception.type`, `exception.message` and `exception.stacktrace`.
 */
export function createLog(options: LogOptions): Log {
  const { role, region, id, level } = options
  return pino(
    {
      level,
      base: {
        'service.name': `meridian-${role}`,
        'service.instance.id': id,
        'meridian.region': region,
      },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: spreadError },
    },
    options.out ?? standardOutput(),
  )
}

/** Writes one JSON line of the log as people read it: time, level, message, then the fields. */
export function prettyLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
  const clock = String(time).slice(11, 23)
  const shown = Object.entries(fields)
    .filter(([name]) => !SAME_IN_EVERY_LINE.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${[clock, String(level).padEnd(5), String(msg), ...shown].join(' ')}\n`
}

const SAME_IN_EVERY_LINE: ReadonlySet<string> = new Set(['service.name', 'meridian.region'])

function standardOutput(): DestinationStream {
  if (!process.stdout.isTTY) return destination({ dest: 1, sync: false })
  return { write: (json) => void process.stdout.write(prettyLine(json)) }
}

function spreadError(fields: Record<string, unknown>): Record<string, unknown> {
  const { error, ...rest } = fields
  if (!(error instanceof Error)) return fields
  return {
    ...rest,
    'exception.type': error.name,
    'exception.message': error.message,
    'exception.stacktrace': error.stack,
  }
}

// Every level of ours is one of pino's.
LOG_LEVELS satisfies readonly Level[]
