import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { Processes } from '../supervise/processes.ts'
import { portOf } from './listening-line.ts'
import { nodeProcess } from './node-process.ts'

const DOUBLE = join(import.meta.dirname, '../test-children/member/main.ts')

test('a process of ours is found by its log line and asked at its admin listener', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await using processes = new Processes({ logFolder: folder.path, restart: true, say: () => {} })
  const spec = nodeProcess<{ adminUrl: string }>({
    name: 'worker',
    entry: DOUBLE,
    environment: (known) => ({
      WORKER_ID: 'w1',
      WORKER_ADMIN_PORT: String(known === undefined ? 0 : portOf(known.adminUrl)),
    }),
    addressesOf: ({ admin }) => (admin ? { adminUrl: admin } : undefined),
  })
  const worker = processes.add('serving', spec)

  const first = await worker.start()
  await worker.waitUntilReady(30_000)
  await worker.takeDown('SIGKILL')
  const second = await worker.start()

  assert.match(first.adminUrl, /^http:\/\/127\.0\.0\.1:\d+$/)
  assert.deepEqual(second, first)
})

test('a line that lacks an address is not the one that is waited for', async () => {
  const spec = nodeProcess<{ adminUrl: string; publicUrl: string }>({
    name: 'gateway',
    entry: DOUBLE,
    environment: () => ({}),
    addressesOf: ({ admin, public: publicUrl }) =>
      admin && publicUrl ? { adminUrl: admin, publicUrl } : undefined,
  })
  const lines = [
    '{"msg":"listening","urls":{"admin":"http://127.0.0.1:1"}}',
    '{"msg":"listening","urls":{"admin":"http://127.0.0.1:1","public":"https://127.0.0.1:2"}}',
  ]
  const run = {
    pid: 1,
    over: new AbortController().signal,
    firstLine: async <T>(read: (line: string) => T | undefined): Promise<T | undefined> => {
      return lines.map(read).find((found) => found !== undefined)
    },
  }

  const addresses = await spec.findAddresses(run)

  assert.deepEqual(addresses, {
    adminUrl: 'http://127.0.0.1:1',
    publicUrl: 'https://127.0.0.1:2',
  })
})
