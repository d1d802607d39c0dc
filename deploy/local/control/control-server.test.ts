import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { askLauncher } from './control-client.ts'
import { type Controllable, ControlServer } from './control-server.ts'

test('a command reaches its region and is answered with how its processes are', async () => {
  await using lab = await makeLab()
  lab.control.regions = [lab.region('us-east'), lab.region('eu-central')]

  const answer = await askLauncher(lab.socket, 'POST', '/regions/eu-central/kill')

  assert.deepEqual(lab.done, ['kill eu-central'])
  assert.deepEqual(answer, { processes: [{ name: 'eu-central-nats', status: 'up', pid: 7 }] })
})

test('a region or an action that there is not is refused, and nothing is done', async () => {
  await using lab = await makeLab()
  lab.control.regions = [lab.region('us-east')]
  const ask = async (method: 'GET' | 'POST', path: string) =>
    (await askLauncher(lab.socket, method, path)).error

  assert.equal(await ask('POST', '/regions/mars/kill'), 'no region mars, but us-east')
  assert.equal(await ask('POST', '/regions/us-east/explode'), 'no such command')
  assert.equal(await ask('GET', '/regions/us-east/kill'), 'no such command')
  assert.deepEqual(lab.done, [])
})

test('a launcher that is still starting says so', async () => {
  await using lab = await makeLab()

  const answer = await askLauncher(lab.socket, 'POST', '/regions/us-east/kill')

  assert.equal(answer.error, 'the launcher is still starting')
})

test('a command that fails says why', async () => {
  await using lab = await makeLab()
  const broken = { ...lab.region('us-east'), act: () => Promise.reject(new Error('no key file')) }
  lab.control.regions = [broken]

  const answer = await askLauncher(lab.socket, 'POST', '/regions/us-east/start')

  assert.equal(answer.error, 'no key file')
})

test('only the owner may open the socket, and it goes with its server', async () => {
  await using lab = await makeLab()

  assert.equal((await stat(lab.socket)).mode & 0o777, 0o600)
  await lab.control[Symbol.asyncDispose]()

  assert.equal(existsSync(lab.socket), false)
})

test('a second launcher of the same folder is refused and told which process has it', async () => {
  await using lab = await makeLab()

  await assert.rejects(ControlServer.listen(lab.socket), {
    name: 'LaunchError',
    message: `a launcher runs already with ${lab.socket} (process ${process.pid})`,
    remedy: `kill ${process.pid}`,
  })
  assert.deepEqual(await askLauncher(lab.socket, 'GET', '/'), { pid: process.pid })
})

test('the socket of a launcher that was killed is taken over', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const socket = join(folder.path, 'launcher.sock')
  const die = `() => process.kill(process.pid, 'SIGKILL')`
  const script = `require('node:net').createServer().listen(process.argv[1], ${die})`
  spawnSync(process.execPath, ['-e', script, socket])
  assert.equal(existsSync(socket), true)

  await using _control = await ControlServer.listen(socket)

  assert.deepEqual(await askLauncher(socket, 'GET', '/'), { pid: process.pid })
})

test('a path that no Unix socket can have is refused with a way out', async () => {
  await assert.rejects(ControlServer.listen(`/tmp/${'x'.repeat(100)}/launcher.sock`), {
    name: 'LaunchError',
    message: /too long for a Unix socket$/,
  })
})

test('a folder that does not exist is no place for a socket', async () => {
  await assert.rejects(ControlServer.listen('/nowhere/launcher.sock'), /cannot listen on/)
})

async function makeLab() {
  const folder = await makeTemporaryFolder(tmpdir())
  const socket = join(folder.path, 'launcher.sock')
  const control = await ControlServer.listen(socket)
  const done: string[] = []
  return {
    socket,
    control,
    done,
    region: (id: string): Controllable => ({
      id,
      act: async (action) => {
        done.push(`${action} ${id}`)
      },
      statuses: () => [{ name: `${id}-nats`, status: 'up', pid: 7 }],
    }),
    [Symbol.asyncDispose]: async () => {
      await control[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}
