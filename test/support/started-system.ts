// The system as a user starts it: `npm start`, in a runtime folder of its own and on free ports, so
// that it can be killed for real.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Agent, request } from 'undici'

/** What `npm start -- --json` prints. */
export interface Started {
  readonly gateway: { readonly url: string; readonly adminUrl: string; readonly pid: number }
  readonly ca: string
  readonly regions: readonly StartedRegion[]
  readonly controlSocket: string
}

export interface StartedRegion {
  readonly id: string
  readonly nats: { readonly pid: number }
  readonly ingress: { readonly pid: number }
  readonly workers: readonly { readonly id: string; readonly pid: number }[]
}

export interface SystemAnswer {
  readonly status: number
  readonly region: string | undefined
  readonly text: string
}

export interface StartedSystem extends AsyncDisposable {
  readonly started: Started
  region(id: string): StartedRegion
  /** Asks as a client with this address would, over a connection that is kept. */
  ask(from: string, prompt: string, more?: object): Promise<SystemAnswer>
}

const ROOT = join(import.meta.dirname, '../..')
const START_TIMEOUT_MS = 60_000

/** Starts it with the stand-in and waits until it is ready. Whoever starts disposes. */
export async function startSystem(args: readonly string[] = []): Promise<StartedSystem> {
  await using opened = new AsyncDisposableStack()
  const runtime = await mkdtemp(join(tmpdir(), 'meridian-system-'))
  opened.defer(() => rm(runtime, { recursive: true, force: true }))
  const child = spawn(
    process.execPath,
    [
      'deploy/local/start.ts',
      ...['--json', '--ports=any', '--stand-in', `--runtime=${runtime}`],
      ...args,
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  opened.defer(() => end(child))
  const started = await readStarted(child)
  const agent = new Agent({ connect: { ca: await readFile(started.ca, 'utf8') } })
  opened.defer(() => agent.destroy())
  const kept = opened.move()
  return {
    started,
    region: (id) => {
      const region = started.regions.find((one) => one.id === id)
      if (region === undefined) throw new Error(`no region ${id}`)
      return region
    },
    ask: (from, prompt, more) => ask(agent, started.gateway.url, from, prompt, more),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function ask(
  dispatcher: Agent,
  url: string,
  from: string,
  prompt: string,
  more: object = {},
): Promise<SystemAnswer> {
  const answer = await request(`${url}/v1/chat/completions`, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify({
      model: 'smollm2:135m',
      messages: [{ role: 'user', content: prompt }],
      ...more,
    }),
  })
  const region = answer.headers['x-meridian-region']
  return {
    status: answer.statusCode,
    region: typeof region === 'string' ? region : undefined,
    text: await answer.body.text(),
  }
}

async function readStarted(child: ChildProcess): Promise<Started> {
  if (child.stdout === null) throw new Error('no output')
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer)
    return JSON.parse(line)
  }
  throw new Error('the launcher ended before the system was ready')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await ended
  clearTimeout(timer)
}
