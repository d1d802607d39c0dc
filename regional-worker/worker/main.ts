// The process of a worker. SIGTERM and SIGINT end it warmly, a second one at once.

import { ConfigError } from '../read-environment.ts'
import { parseWorkerConfig, type WorkerConfig } from './config.ts'
import { startWorker, type Worker } from './start-worker.ts'

/** From sysexits.h, so that a supervisor does not try again what cannot work. */
const EX_CONFIG = 78
/** After the second signal, in ms: enough to tell Ollama and the ingress, too little to annoy. */
const CLOSE_MS_MAX = 1_000

let worker: Worker | undefined
let signals = 0

function onSignal(): void {
  signals += 1
  if (worker === undefined) process.exit(0) // Nothing was taken yet.
  if (signals === 1) {
    void worker.drain().then(() => process.exit())
    return
  }
  process.exitCode = 1 // Work was cut off.
  setTimeout(() => process.exit(), CLOSE_MS_MAX)
  void worker.close().then(() => process.exit())
}

function configOrExit(): WorkerConfig {
  try {
    return parseWorkerConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) process.stderr.write(`${problem}\n`)
    process.exit(EX_CONFIG)
  }
}

process.on('SIGTERM', onSignal)
process.on('SIGINT', onSignal)
worker = await startWorker(configOrExit())
