// Goal: nothing that a launcher has started outlives it, however it ends.
// Method: a launcher in small (test-children/nursery/main.ts) is ended by SIGKILL, which it cannot
// see; one in this process is disposed of. A process id counts as gone when it is a zombie, because
// nobody waits for orphans in a container without an init.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { GuardLink } from './guard-link.ts'
import { pollUntil } from './poll.ts'
import { Processes } from './processes.ts'
import type { ProcessSpec } from './supervised-process.ts'

const PATIENCE = { timeoutMs: 40_000, everyMs: 50 }
const NURSERY = join(import.meta.dirname, '../test-children/nursery/main.ts')

test('children end with a launcher that was killed, also stubborn and frozen ones', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const launcher = spawn(process.execPath, [NURSERY, folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pids = await readPids(launcher)
  assert.equal(pids.length, 3)

  launcher.kill('SIGKILL')
  const left = () => pids.filter((pid) => isRunning(pid))
  await pollUntil(() => (left().length === 0 ? true : undefined), PATIENCE)

  assert.deepEqual(left(), [])
})

test('a guard that was killed is replaced, and the new one knows whom to end', async () => {
  const sleeper = spawn('sleep', ['600'], { detached: true })
  assert.ok(sleeper.pid !== undefined)
  const link = new GuardLink(PATIENCE.timeoutMs)
  link.watch(sleeper.pid)
  const first = link.pid
  assert.ok(first !== undefined)

  process.kill(first, 'SIGKILL')
  await pollUntil(() => (link.pid !== first ? true : undefined), PATIENCE)
  link.close()

  const [, signal] = await once(sleeper, 'exit')
  assert.equal(signal, 'SIGTERM')
})

test('a guard leaves alone who was unwatched', async () => {
  const link = new GuardLink(PATIENCE.timeoutMs)
  const sleeper = spawn('sleep', ['600'], { detached: true })
  assert.ok(sleeper.pid !== undefined)
  link.watch(sleeper.pid)
  link.unwatch(sleeper.pid)
  const { pid } = link
  assert.ok(pid !== undefined)

  link.close()
  await pollUntil(async () => (isRunning(pid) ? undefined : true), PATIENCE)

  assert.equal(isRunning(sleeper.pid), true)
  sleeper.kill('SIGKILL')
  await once(sleeper, 'exit')
})

test('the ground stands until the serving processes have finished', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  {
    await using processes = new Processes({ logFolder: folder.path, restart: true, say: () => {} })
    const ground = processes.add('ground', shell('nats', 'echo up; exec sleep 600'))
    await ground.start()
    const finish = `sleep 0.3; kill -0 ${ground.pid} && echo finished; exit 0`
    const trap = `trap '${finish}' TERM; echo up; while true; do sleep 0.01; done`
    await processes.add('serving', shell('gateway', trap)).start()
  }

  assert.match(await readFile(join(folder.path, 'gateway.log'), 'utf8'), /^finished$/m)
})

test('a process that comes when all are being stopped is refused', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await using processes = new Processes({ logFolder: folder.path, restart: true, say: () => {} })

  await processes.stopAll()

  assert.throws(() => processes.add('ground', shell('nats', '')), /nats came too late/)
})

function shell(name: string, script: string): ProcessSpec<true> {
  return {
    name,
    command: () => ({ program: 'sh', args: ['-c', script], environment: process.env }),
    findAddresses: (run) => run.firstLine((line) => line === 'up' || undefined),
    isReady: async () => true,
  }
}

async function readPids(launcher: ChildProcess): Promise<readonly number[]> {
  assert.ok(launcher.stdout !== null)
  for await (const line of createInterface({ input: launcher.stdout })) {
    return JSON.parse(line) as number[]
  }
  return []
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !isZombie(pid)
}

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false // No /proc here, and then orphans are waited for.
  }
}
