import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LaunchError } from '../launch-error.ts'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { BoundedLog } from './bounded-log.ts'
import { answersOk, pollUntil } from './poll.ts'
import { type ProcessSpec, SupervisedProcess } from './supervised-process.ts'

const PATIENCE = { timeoutMs: 30_000, everyMs: 10 }
const LISTENS = `
  const server = require('node:http').createServer((_, response) => response.end('ok'))
  const say = () => console.log('port=' + server.address().port)
  server.listen(Number(process.env.PORT), '127.0.0.1', say)
`

test('a process is started once it says where it listens', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)

  const { url } = await listener.start()
  await listener.waitUntilReady(PATIENCE.timeoutMs)

  assert.equal(await answersOk(url), true)
  assert.equal(listener.status, 'up')
})

test('starting what runs already changes nothing', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  const [first, second] = await Promise.all([listener.start(), listener.start()])
  const { pid } = listener

  const third = await listener.start()

  assert.deepEqual([second, third], [first, first])
  assert.equal(listener.pid, pid)
})

test('a process that ends before it listens fails with the end of its log', async () => {
  await using nest = await makeNest()
  const broken = nest.add("console.error('no such key file'); process.exit(78)")

  await assert.rejects(broken.start(), (error) => {
    assert.ok(error instanceof LaunchError)
    assert.match(
      error.message,
      /^child did not start; the end of .*child\.log:\n {4}no such key file/,
    )
    return true
  })
  assert.equal(broken.status, 'down')
  assert.deepEqual(nest.said, [])
})

test('a program that does not exist fails to start and says so', async () => {
  await using nest = await makeNest()
  const absent = nest.add('', { program: join(nest.folder, 'absent') })

  await assert.rejects(absent.start(), /did not start.*\n.*ENOENT/)
})

test('a process that dies is started again at the same address', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  const { url } = await listener.start()
  const before = listener.pid
  assert.ok(before !== undefined)

  process.kill(before, 'SIGKILL')
  await pollUntil(() => (listener.pid !== before && listener.pid) || undefined, PATIENCE)

  await listener.waitUntilReady(PATIENCE.timeoutMs)
  assert.equal(await answersOk(url), true)
  assert.deepEqual(nest.said, ['child ended (SIGKILL); starting it again in 0.5 s'])
})

test('without restarts a process that dies stays down, and that is said', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS, { restart: false })
  await listener.start()

  process.kill(listener.pid ?? 0, 'SIGKILL')
  await pollUntil(() => nest.said[0], PATIENCE)

  assert.deepEqual(nest.said, ['child ended (SIGKILL)'])
  assert.equal(listener.status, 'down')
  await assert.rejects(listener.waitUntilReady(PATIENCE.timeoutMs), /child has ended/)
})

test('a process that was taken down stays so until a start, at the same address', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  const { url } = await listener.start()

  await listener.takeDown('SIGKILL')
  assert.equal(listener.status, 'down')
  assert.equal(await answersOk(url), false)

  assert.deepEqual(await listener.start(), { url })
  assert.equal(await answersOk(url), true)
  assert.deepEqual(nest.said, [])
})

test('taking down a process that waits for its restart forgets the restart', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  await listener.start()
  process.kill(listener.pid ?? 0, 'SIGKILL')
  await pollUntil(() => (listener.status === 'restarting' ? true : undefined), PATIENCE)

  await listener.takeDown('SIGKILL')

  assert.equal(listener.status, 'down')
})

test('taking down a process that is starting fails its start', async () => {
  await using nest = await makeNest()
  const mute = nest.add('setInterval(() => {}, 1000)')
  const start = mute.start()
  await pollUntil(() => mute.pid, PATIENCE)

  await Promise.all([mute.takeDown('SIGTERM'), assert.rejects(start, /was taken down meanwhile/)])

  assert.equal(mute.status, 'down')
})

test('a process that is taken down before its start has begun is not started', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)

  const start = listener.start()
  await Promise.all([listener.takeDown('SIGKILL'), assert.rejects(start, /taken down meanwhile/)])

  assert.equal(listener.status, 'down')
})

test('a start waits for a run that has not ended yet', async () => {
  await using nest = await makeNest()
  const slow = nest.add(`process.on('SIGTERM', () => setTimeout(process.exit, 100)); ${LISTENS}`)
  const { url } = await slow.start()
  const before = slow.pid

  const down = slow.takeDown('SIGTERM')
  assert.deepEqual(await slow.start(), { url })

  await down
  assert.notEqual(slow.pid, before)
  assert.deepEqual(nest.said, [])
})

test('a frozen process answers nothing, and again once it goes on', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  const { url } = await listener.start()

  listener.freeze()
  assert.equal(listener.status, 'frozen')
  assert.equal(await answersOk(url, 100), false)
  listener.thaw()

  assert.equal(await answersOk(url, PATIENCE.timeoutMs), true)
})

test('a frozen process still obeys SIGTERM when it is taken down', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  await listener.start()
  listener.freeze()

  await listener.takeDown('SIGTERM')

  assert.equal(listener.status, 'down')
})

test('who ignores SIGTERM is killed when the grace is over', async () => {
  await using nest = await makeNest()
  const stubborn = nest.add(`process.on('SIGTERM', () => {}); ${LISTENS}`)
  const { url } = await stubborn.start()

  await stubborn.stop(50)

  assert.equal(await answersOk(url), false)
})

test('what was stopped for good cannot be started again', async () => {
  await using nest = await makeNest()
  const listener = nest.add(LISTENS)
  await listener.start()
  await listener.stop(PATIENCE.timeoutMs)

  await assert.rejects(listener.start(), /stopped for good/)
})

async function makeNest() {
  const folder = await makeTemporaryFolder(tmpdir())
  const said: string[] = []
  const opened: { process: SupervisedProcess<{ url: string }>; log: BoundedLog }[] = []
  return {
    folder: folder.path,
    said,
    add: (script: string, { program = process.execPath, restart = true } = {}) => {
      const log = new BoundedLog(join(folder.path, 'child.log'))
      const spec: ProcessSpec<{ url: string }> = {
        name: 'child',
        command: (known) => ({
          program,
          args: ['-e', script],
          environment: { PORT: known === undefined ? '0' : new URL(known.url).port },
        }),
        findAddresses: (run) =>
          run.firstLine((line) => {
            const port = /^port=(\d+)$/.exec(line)?.[1]
            return port === undefined ? undefined : { url: `http://127.0.0.1:${port}` }
          }),
        isReady: ({ url }) => answersOk(url),
      }
      const guard = { watch: () => {}, unwatch: () => {} }
      const say = (line: string) => said.push(line)
      const child = new SupervisedProcess(spec, { log, guard, restart, say })
      opened.push({ process: child, log })
      return child
    },
    [Symbol.asyncDispose]: async () => {
      for (const { process, log } of opened) {
        await process.stop(0)
        log.close()
      }
      await folder[Symbol.asyncDispose]()
    },
  }
}
