// A real Ollama with a real small model, as `npm run provide -- ollama` puts them into `.runtime/`.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export interface RealOllama extends AsyncDisposable {
  readonly url: string
  /** SmolLM2-135M-Instruct, 4 bit. */
  readonly model: string
}

const RUNTIME = join(import.meta.dirname, '../../.runtime')
const START_TIMEOUT_MS = 60_000

/** Starts it on a free port and waits until it answers. @throws {Error} when it is not provided. */
export async function startRealOllama(): Promise<RealOllama> {
  const program = process.env.MERIDIAN_OLLAMA ?? join(RUNTIME, 'bin/ollama')
  if (!existsSync(program)) throw new Error('no Ollama: run `npm run provide -- ollama`')
  const host = `127.0.0.1:${await freePort()}`
  const child = spawn(program, ['serve'], {
    env: {
      ...process.env,
      OLLAMA_HOST: host,
      OLLAMA_MODELS: join(RUNTIME, 'ollama'),
      OLLAMA_NUM_PARALLEL: '2',
      OLLAMA_KEEP_ALIVE: '5m',
    },
    stdio: 'ignore',
  })
  await using opened = new AsyncDisposableStack()
  opened.defer(() => end(child))
  await answering(`http://${host}/api/version`)
  const kept = opened.move()
  return {
    url: `http://${host}`,
    model: 'smollm2:135m',
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function answering(url: string): Promise<void> {
  const giveUpAt = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const isThere = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isThere) return
    if (performance.now() > giveUpAt) throw new Error('Ollama did not start')
    await pause(50)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}
