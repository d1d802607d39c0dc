import { type DestinationStream, destination, type Logger, pino } from 'pino'

/** Where a gateway's log lines go: JSON on stdout, one line each. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/**
 * Makes the log of this process. Field names are OpenTelemetry's where it has one. Lines go to
 * stdout in the background, so that no request waits for a slow reader of them, and are flushed at
 * the exit.
 */
export function createLog(
  level: string,
  gatewayId: string,
  to: DestinationStream = destination({ dest: 1, sync: false }),
): Log {
  return pino(
    {
      level,
      base: { 'service.name': 'meridian-gateway', 'service.instance.id': gatewayId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    to,
  )
}
