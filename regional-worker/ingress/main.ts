// The process: configuration, start, signals, end.

import { randomBytes } from 'node:crypto'
import { PlanDifference } from '../nats-connection.ts'
import { ConfigError } from '../read-environment.ts'
import { parseConfig } from './config.ts'
import { type RunningIngress, startIngress } from './start-ingress.ts'

/** A configuration that cannot be run, as `sysexits.h` has it: a supervisor need not try again. */
const EXIT_CONFIG = 78

let ingress: RunningIngress | undefined
let isStopping = false

/** Drains at the first signal and leaves at once at the second, as before it has started. */
async function stop(): Promise<void> {
  if (isStopping || ingress === undefined) process.exit(isStopping ? 1 : 0)
  isStopping = true
  await ingress.drain()
  await ingress.close()
  process.exit(0)
}

process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())

try {
  ingress = await startIngress(parseConfig(process.env, randomBytes(3).toString('hex')))
} catch (error) {
  if (error instanceof ConfigError) console.error(error.problems.join('\n'))
  else if (error instanceof PlanDifference) console.error(error.message)
  else throw error
  process.exit(EXIT_CONFIG)
}
