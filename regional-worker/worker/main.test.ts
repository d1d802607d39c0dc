// Goal: the process ends as its supervisor expects. Method: a real process and real signals.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { startFakeIngress } from '../../test/support/fake-ingress.ts'
import { startNatsServer } from '../../test/support/nats-server.ts'
import { startScriptedOllama } from '../../test/support/scripted-ollama.ts'

const MAIN = join(import.meta.dirname, '../worker/main.ts')

test('it prints where it listens, as a line of JSON', async () => {
  await using region = await startRegion()

  const line = await region.worker.line('listening')

  assert.equal(line.role, 'worker')
  const { admin } = line.urls as { admin: string }
  assert.equal((await fetch(`${admin}/livez`)).status, 200)
})

test('SIGTERM lets a running answer end, and the exit code is 0', async () => {
  await using region = await startRegion()
  await region.healthy()
  const attempt = region.ingress.publish()
  await attempt.frame('delta')

  region.worker.process.kill('SIGTERM')
  await eventually('it drains', () => region.ingress.heartbeats.at(-1)?.draining)
  region.finish()

  assert.equal((await attempt.end()).type, 'done')
  assert.deepEqual(await region.worker.exit, [0, null])
  assert.equal(region.ingress.offline.length, 1)
})

test('a second signal ends running work at once, and the exit code is 1', async () => {
  await using region = await startRegion()
  await region.healthy()
  const attempt = region.ingress.publish()
  await attempt.frame('delta')

  region.worker.process.kill('SIGTERM')
  await eventually('it drains', () => region.ingress.heartbeats.at(-1)?.draining)
  region.worker.process.kill('SIGINT')

  assert.equal((await attempt.end()).type, 'failed')
  assert.deepEqual(await region.worker.exit, [1, null])
  await region.ollama.calls[0]?.closed
})

test('SIGTERM before NATS is there ends it with 0', async () => {
  await using worker = startProcess({ REGION_ID: 'eu-test', NATS_URL: 'nats://127.0.0.1:1' })
  await worker.line('listening')

  worker.process.kill('SIGTERM')

  assert.deepEqual(await worker.exit, [0, null])
})

test('a bad configuration is told whole, and the exit code is 78', async () => {
  await using worker = startProcess({ REGION_ID: 'EU', WORKER_SLOTS: 'many' })

  assert.deepEqual(await worker.exit, [78, null])
  const problems = worker.errors().trim().split('\n')
  assert.equal(problems.length, 2)
  assert.match(problems[0] ?? '', /^REGION_ID=/)
  assert.match(problems[1] ?? '', /^WORKER_SLOTS=/)
})

/** A region whose worker is a process; its Ollama ends each answer when `finish` is called. */
async function startRegion() {
  await using opened = new AsyncDisposableStack()
  const finished = Promise.withResolvers<void>()
  const nats = opened.use(await startNatsServer({ jetstream: true }))
  const ollama = opened.use(
    await startScriptedOllama(async (call) => {
      call.say('one')
      await finished.promise
      call.done()
    }),
  )
  const ingress = opened.use(await startFakeIngress({ natsUrl: nats.url }))
  const worker = opened.use(
    startProcess({ REGION_ID: 'eu-test', NATS_URL: nats.url, OLLAMA_HOST: ollama.url }),
  )
  const stack = opened.move()
  return {
    ollama,
    ingress,
    worker,
    finish: finished.resolve,
    healthy: () => eventually('it is healthy', () => ingress.heartbeats.at(-1)?.healthy),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function startProcess(env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { ...env, WORKER_ADMIN_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  let out = ''
  let errors = ''
  child.stdout?.on('data', (text) => {
    out += text
  })
  child.stderr?.on('data', (text) => {
    errors += text
  })
  return {
    process: child,
    exit,
    errors: () => errors,
    /** Waits for the line of the log with this message. */
    line: (message: string) =>
      eventually(`it logs "${message}", after ${errors}`, () =>
        out
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>)
          .find(({ msg }) => msg === message),
      ),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}
