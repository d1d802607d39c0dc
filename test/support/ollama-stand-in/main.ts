// The stand-in as a process: one line of JSON when it listens, a clean end on SIGTERM or SIGINT.

import { ArgumentError, parseArguments, type StandInOptions } from './stand-in-options.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

/** The exit code for a configuration that cannot be used, as for the other processes. */
const EXIT_CONFIG = 78

function exitWith(code: number, message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}

function optionsOrExit(): StandInOptions {
  try {
    return parseArguments(process.argv.slice(2))
  } catch (cause) {
    if (cause instanceof ArgumentError) exitWith(EXIT_CONFIG, cause.message)
    throw cause
  }
}

const options = optionsOrExit()
const standIn = await startOllamaStandIn(options).catch((cause) => {
  return exitWith(1, `cannot listen: ${cause instanceof Error ? cause.message : cause}`)
})
const { url, controlUrl } = standIn
const line = options.controlPort === undefined ? { url } : { url, controlUrl }
process.stdout.write(`${JSON.stringify(line)}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => standIn.close())
