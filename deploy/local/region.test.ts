import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ControlServer } from './control/control-server.ts'
import { makeTemporaryFolder } from './provide/temporary-folder.ts'

const COMMAND = join(import.meta.dirname, 'region.ts')

function region(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr })
    })
  })
}

test('a command is done by the launcher of that folder, and says how each process is', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  await using control = await ControlServer.listen(join(folder.path, 'launcher.sock'))
  const done: string[] = []
  control.regions = [
    {
      id: 'us-east',
      act: async (action) => {
        done.push(action)
      },
      statuses: () => [
        { name: 'us-east-nats', status: 'up', pid: 7 },
        { name: 'us-east-ingress', status: 'down', pid: undefined },
      ],
    },
  ]

  const drained = await region('drain', 'us-east', `--runtime=${folder.path}`)
  const unknown = await region('drain', 'mars', `--runtime=${folder.path}`)

  assert.deepEqual(done, ['drain'])
  assert.deepEqual(drained, {
    code: 0,
    stdout: 'us-east-nats up (7)\nus-east-ingress down\n',
    stderr: '',
  })
  assert.deepEqual(unknown, { code: 69, stdout: '', stderr: 'no region mars, but us-east\n' })
})

test('without a launcher there is nothing to command', async () => {
  const { code, stderr } = await region('kill', 'us-east', '--runtime=/nowhere')

  assert.equal(code, 69)
  assert.equal(stderr, 'no launcher listens on /nowhere/launcher.sock\n  try: npm start\n')
})

test('a command that is none gets the usage line', async () => {
  const { code, stderr } = await region('explode', 'us-east')

  assert.equal(code, 64)
  assert.equal(stderr, 'usage: npm run region -- kill|stop|cont|drain|start <region>\n')
})
