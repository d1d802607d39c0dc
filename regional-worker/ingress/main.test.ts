// Goal: the process as a supervisor sees it. Method: it is started as one, at `./main.ts`.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { environmentOf, startBareRegion } from '../../test/support/bare-region.ts'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startNatsGreeter } from '../../test/support/nats-greeter.ts'
import { callRegion } from '../../test/support/region-caller.ts'

interface Spawned extends AsyncDisposable {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly exit: Promise<{ code: number | null }>
}

function spawnIngress(env: Readonly<Record<string, string>>): Spawned {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk) => {
    out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    err += chunk
  })
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null }))
  return {
    child,
    out: () => out,
    err: () => err,
    exit,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

async function urlsOf(spawned: Spawned): Promise<{ ingress: string; admin: string }> {
  const line = await eventually('it says where it listens', () =>
    spawned
      .out()
      .split('\n')
      .find((candidate) => candidate.includes('"msg":"listening"')),
  )
  return JSON.parse(line).urls
}

test('a configuration that cannot be run ends with 78 and all its problems', async () => {
  await using spawned = spawnIngress({ INGRESS_PORT: 'x' })

  const { code } = await spawned.exit

  assert.equal(code, 78)
  assert.match(spawned.err(), /REGION_ID is missing/)
  assert.match(spawned.err(), /INGRESS_PORT="x": want an integer from 0 to 65535/)
})

test('a process says where it listens, serves, and at SIGTERM drains and exits', async () => {
  await using region = await startBareRegion()
  await using spawned = spawnIngress(region.env)
  const urls = await urlsOf(spawned)
  const { ca, gateway } = region.certificates
  using caller = callRegion({ url: urls.ingress, ca: ca.cert, ...gateway })
  await eventually('it is ready', async () => (await fetch(`${urls.admin}/readyz`)).ok)
  const call = caller.work()
  const work = await region.worker.pull()
  work.start()
  await eventually('work runs', () => call.status === 200)

  spawned.child.kill('SIGTERM')
  await eventually('it drains', async () => (await caller.report()).draining)
  work.say('done', '{}')
  const [answer, { code }] = await Promise.all([call.end(), spawned.exit])

  assert.equal(answer.failure, undefined)
  assert.equal(code, 0)
})

test('a second signal ends a drain at once', async () => {
  await using region = await startBareRegion()
  await using spawned = spawnIngress(region.env)
  const urls = await urlsOf(spawned)
  const { ca, gateway } = region.certificates
  using caller = callRegion({ url: urls.ingress, ca: ca.cert, ...gateway })
  await eventually('it is ready', async () => (await fetch(`${urls.admin}/readyz`)).ok)
  const call = caller.work()
  const work = await region.worker.pull()
  work.start()
  await eventually('work runs', () => call.status === 200)

  spawned.child.kill('SIGTERM')
  await eventually('it drains', async () => (await caller.report()).draining)
  spawned.child.kill('SIGTERM')

  assert.equal((await spawned.exit).code, 1)
  assert.equal((await call.end()).isCut, true)
})

test('an old nats-server is warned of, and a process that waits for it can leave', async () => {
  await using greeter = await startNatsGreeter({ version: '2.10.20' }) // Without JetStream.
  await using certificates = await makeCertificates({ regions: ['eu-central'] })
  await using spawned = spawnIngress(environmentOf(certificates, greeter.url))
  await eventually('it is warned of', () => /refused in production/.test(spawned.out()))

  spawned.child.kill('SIGTERM')

  assert.equal((await spawned.exit).code, 0)
  assert.doesNotMatch(spawned.out(), /"listening"/)
})
