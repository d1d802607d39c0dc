import type { LauncherConfig } from '../config.ts'
import { LaunchError } from '../launch-error.ts'
import { describeMachine } from '../provide/machine.ts'
import { ollama } from '../provide/ollama.ts'
import { findProgram } from '../provide/provide-program.ts'
import { isModelProvided, MODEL_NAME, modelsFolderOf } from '../provide/smollm2.ts'
import { answersOk, pollUntil } from '../supervise/poll.ts'
import { findFreePort } from '../supervise/ports.ts'
import type { Processes } from '../supervise/processes.ts'
import type { ProcessSpec, SupervisedProcess } from '../supervise/supervised-process.ts'

/** Who answers the workers. `process` is absent when the launcher found a server that was there. */
export interface ModelServer {
  readonly url: string
  readonly kind: 'ollama' | 'stand-in'
  readonly process: SupervisedProcess<ModelServerAddresses> | undefined
  /** A model to try; `undefined` when the server has none. */
  readonly exampleModel: string | undefined
  /** What answers, for the banner: nothing may pretend that the stand-in is a model. */
  readonly words: string
}

export interface ModelServerAddresses {
  readonly url: string
}

const DETECT_TIMEOUT_MS = 1_000
const LISTEN = { timeoutMs: 60_000, everyMs: 50 } as const
const STAND_IN_MODELS = `${MODEL_NAME},qwen3,qwen3:14b`
/** Of one slot. Twelve of them with this model are 0.6 GB. */
const CONTEXT_TOKENS = '2048'

/**
 * Finds the Ollama that answers at the configured address, or starts what was asked for instead.
 *
 * `slots` is how many generations all workers may run at once: as many must run at once here, or
 * work would wait in a queue that nobody counts.
 *
 * @throws {LaunchError} when a provided Ollama is wanted and there is none.
 */
export async function startModelServer(
  config: LauncherConfig,
  slots: number,
  processes: Processes,
): Promise<ModelServer> {
  if (config.modelServer === 'ollama') return startOllama(config, slots, processes)
  const { ollamaUrl } = config
  if (config.modelServer === 'stand-in') {
    return startStandIn(config, slots, processes, 'the stand-in was asked for')
  }
  if (!(await answersOk(`${ollamaUrl}/api/version`, DETECT_TIMEOUT_MS))) {
    return startStandIn(config, slots, processes, `no Ollama answers at ${ollamaUrl}`)
  }
  const exampleModel = await firstModelAt(ollamaUrl)
  const words = `Ollama at ${ollamaUrl}`
  return { url: ollamaUrl, kind: 'ollama', process: undefined, exampleModel, words }
}

async function startStandIn(
  config: LauncherConfig,
  slots: number,
  processes: Processes,
  why: string,
): Promise<ModelServer> {
  const process = processes.add('ground', standInProcess(config, slots))
  const { url } = await process.start()
  const words = `a stand-in, no model: ${why}, so answers are numbered words`
  return { url, kind: 'stand-in', process, exampleModel: MODEL_NAME, words }
}

async function startOllama(
  config: LauncherConfig,
  slots: number,
  processes: Processes,
): Promise<ModelServer> {
  const found = await findProgram(ollama, describeMachine(config.storeDir, config.environment))
  if (found.kind !== 'use' || !(await isModelProvided(config.storeDir))) {
    const remedy = 'npm run provide -- ollama'
    throw new LaunchError('--ollama: no Ollama with a model has been provided', { remedy })
  }
  const port = await findFreePort()
  const part = { program: found.path, port, slots }
  const process = processes.add('ground', ollamaProcess(config, part))
  const { url } = await process.start()
  const words = `Ollama ${found.version.join('.')} with ${MODEL_NAME}`
  return { url, kind: 'ollama', process, exampleModel: MODEL_NAME, words }
}

function standInProcess(config: LauncherConfig, slots: number): ProcessSpec<ModelServerAddresses> {
  return {
    name: 'stand-in',
    command: (known) => {
      const port = known === undefined ? '0' : new URL(known.url).port
      const options = ['--port', port, '--host', '127.0.0.1', '--slots', String(slots)]
      return {
        program: process.execPath,
        args: [config.entries.standIn, ...options, '--models', STAND_IN_MODELS],
        environment: config.environment,
      }
    },
    findAddresses: (run) => run.firstLine(decodeStandInLine),
    isReady: ({ url }) => answersOk(`${url}/api/version`),
  }
}

function ollamaProcess(
  config: LauncherConfig,
  part: { program: string; port: number; slots: number },
): ProcessSpec<ModelServerAddresses> {
  const url = `http://127.0.0.1:${part.port}`
  const models = modelsFolderOf(config.storeDir)
  return {
    name: 'ollama',
    command: () => ({
      program: part.program,
      args: ['serve'],
      environment: {
        ...config.environment,
        HOME: models, // Its key goes there; the person's own stays as it is.
        OLLAMA_HOST: `127.0.0.1:${part.port}`,
        OLLAMA_MODELS: models,
        OLLAMA_NUM_PARALLEL: String(part.slots),
        OLLAMA_CONTEXT_LENGTH: CONTEXT_TOKENS,
      },
    }),
    findAddresses: async (run) => {
      const ask = async () => (await answersOk(`${url}/api/version`)) || undefined
      const up = await pollUntil(ask, { ...LISTEN, signal: run.over })
      return up && { url }
    },
    isReady: () => answersOk(`${url}/api/version`),
  }
}

/** Reads `{"url":"http://127.0.0.1:1234"}`; any other line is `undefined`. */
export function decodeStandInLine(line: string): ModelServerAddresses | undefined {
  try {
    const { url } = JSON.parse(line) as { url?: unknown }
    return typeof url === 'string' && URL.canParse(url) ? { url: new URL(url).origin } : undefined
  } catch {
    return undefined
  }
}

async function firstModelAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/api/tags`, {
      signal: AbortSignal.timeout(DETECT_TIMEOUT_MS),
    })
    const { models } = (await response.json()) as { models?: readonly { name?: unknown }[] }
    const name = models?.[0]?.name
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
