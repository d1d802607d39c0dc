import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { environment, type LauncherConfig, parseLauncherConfig, STORE_DIR } from '../config.ts'
import { describeMachine } from '../provide/machine.ts'
import { natsServer } from '../provide/nats-server.ts'
import { provideProgram } from '../provide/provide-program.ts'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { Processes } from '../supervise/processes.ts'
import { LocalRegion } from './region.ts'

const MEMBER = join(import.meta.dirname, '../test-children/member/main.ts')
const { path: natsProgram } = await provideProgram(
  natsServer,
  describeMachine(STORE_DIR, environment),
)

test('a region that has not been started is down in all its parts', async () => {
  await using lab = await makeLab()

  assert.deepEqual(lab.region.statuses(), [
    { name: 'us-east-nats', status: 'down', pid: undefined },
    { name: 'us-east-ingress', status: 'down', pid: undefined },
    { name: 'us-east-worker-1', status: 'down', pid: undefined },
  ])
})

test('a start tells the ids and addresses of all parts', async () => {
  await using lab = await makeLab()

  const started = await lab.region.start()
  await lab.region.waitUntilReady()

  const pids = lab.region.statuses().map(({ pid }) => pid)
  assert.deepEqual(pids, [started.nats.pid, started.ingress.pid, started.workers[0]?.pid])
  assert.equal(started.ingress.id, 'us-east-ingress')
  assert.equal(started.workers[0]?.id, 'us-east-worker-1')
})

test('a kill overtakes a start that is under way', async () => {
  await using lab = await makeLab()
  await lab.region.start()
  await lab.region.act('kill')

  const start = lab.region.act('start')
  await Promise.all([assert.rejects(start, /was taken down meanwhile/), lab.region.act('kill')])

  assert.deepEqual(
    lab.region.statuses().map(({ status }) => status),
    ['down', 'down', 'down'],
  )
})

async function makeLab() {
  const folder = await makeTemporaryFolder(tmpdir())
  const defaults = parseLauncherConfig(['--workers=1'], environment)
  const config: LauncherConfig = {
    ...defaults,
    runtimeDir: folder.path,
    entries: { ...defaults.entries, ingress: MEMBER, worker: MEMBER },
  }
  const processes = new Processes({ logFolder: folder.path, restart: true, say: () => {} })
  const setup = { config, natsProgram, certificatesDir: folder.path, modelServerUrl: '' }
  return {
    region: new LocalRegion('us-east', setup, processes),
    [Symbol.asyncDispose]: async () => {
      await processes.stopAll()
      await folder[Symbol.asyncDispose]()
    },
  }
}
