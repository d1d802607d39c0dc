// The process: config in, signals heard, exit code out. Everything else is `app.ts`.

import { startGateway } from './app.ts'
import { ConfigError, parseConfig } from './config.ts'

/** The exit code for a config that cannot be used (EX_CONFIG of sysexits). */
const EXIT_CONFIG = 78

async function main(): Promise<void> {
  const config = parseConfig(process.env)
  const gateway = await startGateway(config)
  let isEnding = false
  const end = (): void => {
    // A second signal does not wait: whoever sends it has waited enough.
    if (isEnding) process.exit(1)
    isEnding = true
    void gateway.drain().then(() => process.exit(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`gateway: the configuration cannot be used:\n`)
  for (const problem of error.problems) process.stderr.write(`  ${problem}\n`)
  process.exit(EXIT_CONFIG)
}
