// A real nats-server: `npm test` provides it first.

import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { environment, STORE_DIR } from '../config.ts'
import { describeMachine } from '../provide/machine.ts'
import { natsServer } from '../provide/nats-server.ts'
import { provideProgram } from '../provide/provide-program.ts'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { Processes } from '../supervise/processes.ts'
import { natsProcess } from './nats.ts'

const { path: program } = await provideProgram(natsServer, describeMachine(STORE_DIR, environment))

test('each region has its own JetStream domain, at the same address after a kill', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await using processes = new Processes({ logFolder: folder.path, restart: true, say: () => {} })
  const regions = ['us-east', 'eu-central'].map((regionId) =>
    processes.add(
      'ground',
      natsProcess({ regionId, program, folder: join(folder.path, regionId), environment }),
    ),
  )
  const [usEast, euCentral] = await Promise.all(regions.map((region) => region.start()))
  assert.ok(usEast !== undefined && euCentral !== undefined)
  await Promise.all(regions.map((region) => region.waitUntilReady(30_000)))

  assert.notEqual(usEast.url, euCentral.url)
  assert.equal(await domainAt(usEast.monitorUrl), 'us-east')
  assert.equal(await domainAt(euCentral.monitorUrl), 'eu-central')

  await regions[0]?.takeDown('SIGKILL')
  assert.deepEqual(await regions[0]?.start(), usEast)
  await regions[0]?.waitUntilReady(30_000)
  assert.equal(await domainAt(usEast.monitorUrl), 'us-east')
})

async function domainAt(monitorUrl: string): Promise<unknown> {
  const response = await fetch(`${monitorUrl}/jsz`)
  const { config } = (await response.json()) as { config?: { domain?: unknown } }
  return config?.domain
}
