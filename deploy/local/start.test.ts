// Goal: `npm start` as a person and as a program meet it, with the real processes.
// Method: one region with one worker and the stand-in, on any ports, in a folder of its own; once
// ended by SIGTERM and once by SIGKILL. What the system then does is for test/journeys/.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { Started } from './banner.ts'
import { makeTemporaryFolder } from './provide/temporary-folder.ts'
import { answersOk, pollUntil } from './supervise/poll.ts'

const COMMAND = join(import.meta.dirname, 'start.ts')
const REGION = join(import.meta.dirname, 'region.ts')
const SMALL = ['--ports=any', '--stand-in', '--regions=eu-central', '--workers=1']
const PATIENCE = { timeoutMs: 60_000, everyMs: 50 }

test('a start says in one JSON line where everything is, and SIGTERM ends all of it', async () => {
  await using lab = await startLab('--json')
  const started = JSON.parse(await lab.firstLine()) as Started

  assert.equal(await answersOk(`${started.gateway.adminUrl}/readyz`), true)
  assert.equal(await isTrustedAt(started.gateway.url, started.ca), true)
  assert.deepEqual(
    started.regions.map(({ id, workers }) => [id, workers.length]),
    [['eu-central', 1]],
  )
  assert.ok(pidsOf(started).every(isRunning))

  lab.launcher.kill('SIGTERM')
  const [code] = await once(lab.launcher, 'exit')

  assert.equal(code, 0)
  assert.deepEqual(pidsOf(started).filter(isRunning), [])
  assert.equal(lab.lines.length, 1)
})

test('a start for people ends in a banner; a killed launcher leaves nobody behind', async () => {
  await using lab = await startLab()
  assert.equal(await lab.firstLine(), 'Meridian is up: eu-central; 1 workers.')
  await pollUntil(() => lab.lines.find((line) => line.includes('Ctrl-C')), PATIENCE)
  assert.ok(lab.lines.length < 10)
  assert.equal(lab.lines.filter((line) => line.includes(': curl -iN --cacert ')).length, 2)
  const killed = spawnSync(process.execPath, [REGION, 'kill', 'eu-central', lab.runtime])
  assert.equal(killed.stdout.toString().match(/ down$/gm)?.length, 3)
  const back = spawnSync(process.execPath, [REGION, 'start', 'eu-central', lab.runtime])
  const pids = [...back.stdout.toString().matchAll(/ up \((\d+)\)$/gm)].map((match) =>
    Number(match[1]),
  )
  assert.equal(pids.length, 3, back.stderr.toString())

  lab.launcher.kill('SIGKILL')
  const left = () => pids.filter(isRunning)
  await pollUntil(() => (left().length === 0 ? true : undefined), PATIENCE)

  assert.deepEqual(left(), [])
})

test('a busy port is named before anything is started', async () => {
  await using busy = createServer()
  busy.listen(0, '127.0.0.1')
  await once(busy, 'listening')
  const address = busy.address()
  assert.ok(address !== null && typeof address === 'object')
  const port = String(address.port)
  await using folder = await makeTemporaryFolder(tmpdir())

  const launcher = spawn(process.execPath, [COMMAND, `--runtime=${folder.path}`], {
    env: { ...process.env, GATEWAY_HTTPS_PORT: port },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [[code], said] = await Promise.all([once(launcher, 'exit'), textOf(launcher)])

  assert.equal(code, 69)
  assert.match(
    said,
    new RegExp(`^port ${port} of 127\\.0\\.0\\.1 \\(the gateway's HTTPS\\) is busy`),
  )
})

test('arguments that nobody knows end a start with 64', () => {
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, '--workers=none', '--ports=1'])

  assert.equal(status, 64)
  assert.equal(stderr.toString().trim().split('\n').length, 2)
})

function pidsOf({ gateway, regions, modelServer, redis }: Started): readonly number[] {
  const members = regions.flatMap(({ nats, ingress, workers }) => [nats, ingress, ...workers])
  const all = [gateway, modelServer, redis, ...members].map((member) => member?.pid)
  return all.filter((pid) => pid !== undefined)
}

/** Tells whether the certificate at a URL is valid for its name by our authority alone. */
async function isTrustedAt(url: string, ca: string): Promise<boolean> {
  const request = get(url, { ca: await readFile(ca), agent: false })
  const [response] = await once(request, 'response')
  const { authorized } = response.socket as TLSSocket
  response.resume()
  return authorized
}

async function startLab(...args: readonly string[]) {
  const folder = await makeTemporaryFolder(tmpdir())
  const runtime = `--runtime=${folder.path}`
  const launcher = spawn(process.execPath, [COMMAND, runtime, ...SMALL, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = textOf(launcher)
  const lines: string[] = []
  createInterface({ input: launcher.stdout }).on('line', (line) => lines.push(line))
  return {
    launcher,
    runtime,
    lines,
    firstLine: async (): Promise<string> => {
      await pollUntil(() => lines[0] ?? launcher.exitCode ?? undefined, PATIENCE)
      return lines[0] ?? assert.fail(`it did not start: ${await said}`)
    },
    [Symbol.asyncDispose]: async () => {
      launcher.kill('SIGTERM')
      if (launcher.exitCode === null && launcher.signalCode === null) await once(launcher, 'exit')
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function textOf({ stderr }: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of stderr ?? []) text += String(chunk)
  return text
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) // Nobody waits for orphans here.
  } catch {
    return process.platform !== 'linux'
  }
}
