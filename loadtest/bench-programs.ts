import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

/** One way to the model: where it listens, and the processes that its requests pass. */
export interface Way {
  readonly url: string
  readonly pids: readonly { readonly role: string; readonly pid: number }[]
}

export interface Programs extends AsyncDisposable {
  readonly floor: Way
  readonly product: Way
  readonly caFile: string
}

/** What `npm start -- --json` prints, as far as a bench needs it. */
interface Started {
  readonly gateway: { readonly url: string; readonly pid: number }
  readonly ca: string
  readonly regions: readonly {
    readonly nats: { readonly pid: number }
    readonly ingress: { readonly pid: number }
    readonly workers: readonly { readonly pid: number }[]
  }[]
}

const ROOT = join(import.meta.dirname, '..')
const START_TIMEOUT_MS = 60_000

/** Starts the stand-in, the product with one region, and the floor. Whoever starts disposes. */
export async function startPrograms(): Promise<Programs> {
  const children: ChildProcess[] = []
  const runtime = await mkdtemp(join(tmpdir(), 'meridian-bench-'))
  const dispose = async (): Promise<void> => {
    await Promise.all(children.toReversed().map(end))
    await rm(runtime, { recursive: true, force: true })
  }
  try {
    const standIn = await startJson<{ url: string }>(children, {}, [
      'test/support/ollama-stand-in/main.ts',
      ...['--port', '0', '--slots', '256', '--models', 'smollm2:135m'],
    ])
    const product = await startJson<Started>(
      children,
      { OLLAMA_HOST: standIn.url, LOG_LEVEL: 'info' },
      [
        'deploy/local/start.ts',
        ...['--json', '--ports=any', '--regions=eu-central', '--workers=4', '--slots=16'],
        `--runtime=${runtime}`,
      ],
    )
    const certs = dirname(product.ca)
    const floor = await startJson<{ url: string }>(children, {}, [
      'loadtest/floor.ts',
      ...['--upstream', standIn.url],
      ...['--cert', join(certs, 'public.pem'), '--key', join(certs, 'public-key.pem')],
    ])
    return {
      caFile: product.ca,
      floor: { url: floor.url, pids: [{ role: 'floor', pid: pidOf(children.at(-1)) }] },
      product: { url: product.gateway.url, pids: pidsOf(product) },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

function pidsOf({ gateway, regions }: Started): Way['pids'] {
  const perRegion = regions.flatMap(({ nats, ingress, workers }) => [
    { role: 'ingress', pid: ingress.pid },
    { role: 'nats', pid: nats.pid },
    ...workers.map(({ pid }) => ({ role: 'worker', pid })),
  ])
  return [{ role: 'gateway', pid: gateway.pid }, ...perRegion]
}

/** Starts a program of ours and waits for the one line of JSON that says where it is. */
async function startJson<T>(
  children: ChildProcess[],
  env: Record<string, string>,
  args: readonly string[],
): Promise<T> {
  const child = spawn(process.execPath, [...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer)
    child.stdout.resume()
    return JSON.parse(line)
  }
  clearTimeout(timer)
  throw new Error(`${args[0]} ended before it was ready`)
}

function pidOf(child: ChildProcess | undefined): number {
  if (child?.pid === undefined) throw new Error('not started')
  return child.pid
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}
