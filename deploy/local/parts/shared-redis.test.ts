// A real redis-server where there is one; that there is none must be no obstacle.

import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { environment, type LauncherConfig, parseLauncherConfig } from '../config.ts'
import { describeMachine } from '../provide/machine.ts'
import { findProgram } from '../provide/provide-program.ts'
import { redisServer } from '../provide/redis-server.ts'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { findFreePort } from '../supervise/ports.ts'
import { Processes } from '../supervise/processes.ts'
import { answersPing } from './redis.ts'
import { startRedis } from './shared-redis.ts'

test('a Redis is started on loopback, and ends with the launch', async (t) => {
  await using lab = await makeLab()
  const found = await findProgram(redisServer, lab.machine)
  if (found.kind !== 'use') return t.skip('redis-server is not installed')

  const redis = await startRedis(lab.config, lab.machine, lab.processes)

  assert.equal(redis.kind, 'started')
  const port = Number(new URL(redis.url).port)
  assert.equal(await answersPing(port), true)
  await lab.processes.stopAll()
  assert.equal(await answersPing(port), false)
})

test('a Redis that the person names is used, and none is started', async () => {
  await using lab = await makeLab({ REDIS_URL: 'redis://cache:6379' })

  const redis = await startRedis(lab.config, lab.machine, lab.processes)

  assert.deepEqual(redis, { kind: 'found', url: 'redis://cache:6379' })
})

test('a machine without Redis is told why, in one line', async () => {
  await using lab = await makeLab({ MERIDIAN_REDIS_SERVER: '/nowhere/redis-server' })

  const redis = await startRedis(lab.config, lab.machine, lab.processes)

  assert.deepEqual(redis, {
    kind: 'none',
    why: 'MERIDIAN_REDIS_SERVER: /nowhere/redis-server does not exist',
  })
})

test('a port where nobody answers has no Redis', async () => {
  assert.equal(await answersPing(await findFreePort()), false)
})

async function makeLab(more: Readonly<Record<string, string>> = {}) {
  const folder = await makeTemporaryFolder(tmpdir())
  const config: LauncherConfig = {
    ...parseLauncherConfig([], { ...environment, REDIS_URL: undefined, ...more }),
    runtimeDir: folder.path,
  }
  const logFolder = join(folder.path, 'logs')
  const processes = new Processes({ logFolder, restart: true, say: () => {} })
  return {
    config,
    machine: describeMachine(config.storeDir, config.environment),
    processes,
    [Symbol.asyncDispose]: async () => {
      await processes.stopAll()
      await folder[Symbol.asyncDispose]()
    },
  }
}
