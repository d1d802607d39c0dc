import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { BoundedLog } from './bounded-log.ts'
import { type Guard, Run } from './run.ts'

test('a run logs both outputs to the last word and says how it ended', async () => {
  await using nest = await makeNest()

  const run = nest.run("console.log('out'); console.error('last word'); process.exit(3)")

  assert.equal(await run.ended, 'exit code 3')
  assert.equal(run.over.aborted, true)
  assert.deepEqual((await readFile(nest.log.path, 'utf8')).split('\n').sort(), [
    '',
    'last word',
    'out',
  ])
})

test('the guard knows a run from its start to its end', async () => {
  await using nest = await makeNest()

  const run = nest.run('')
  assert.deepEqual(nest.guarded, [run.pid])
  await run.ended

  assert.deepEqual(nest.guarded, [])
})

test('a program that cannot be run has no process and says why', async () => {
  await using nest = await makeNest()

  const run = new Run({ program: join(nest.folder, 'absent'), args: [], environment: {} }, nest)

  assert.match(await run.ended, /ENOENT/)
  assert.equal(run.pid, undefined)
  assert.deepEqual(nest.guarded, [])
})

test('what a run has started itself ends with it', async () => {
  await using nest = await makeNest()
  const grandchild = "require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' })"

  const run = nest.run(`console.log('pid=' + ${grandchild}.pid); setInterval(() => {}, 1000)`)
  await run.firstLine((line) => /^pid=/.test(line) || undefined)
  run.signal('SIGTERM')

  // Its output is open as long as the grandchild lives, so this would wait ten minutes.
  assert.equal(await run.ended, 'SIGTERM')
})

test('a frozen run goes on where it was', async () => {
  await using nest = await makeNest()
  const run = nest.run("setInterval(() => console.log('tick'), 5)")
  const tick = () => run.firstLine((line) => line === 'tick' || undefined)
  await tick()

  run.signal('SIGSTOP')
  assert.equal(run.isFrozen, true)
  run.signal('SIGCONT')
  assert.equal(run.isFrozen, false)

  assert.equal(await tick(), true)
  run.signal('SIGKILL')
  assert.equal(await run.ended, 'SIGKILL')
})

async function makeNest() {
  const folder = await makeTemporaryFolder(tmpdir())
  const log = new BoundedLog(join(folder.path, 'run.log'))
  const guarded: number[] = []
  const guard: Guard = {
    watch: (leader) => guarded.push(leader),
    unwatch: (leader) => guarded.splice(guarded.indexOf(leader), 1),
  }
  const runs: Run[] = []
  return {
    folder: folder.path,
    log,
    guard,
    guarded,
    run: (script: string): Run => {
      const command = { program: process.execPath, args: ['-e', script], environment: {} }
      const run = new Run(command, { log, guard })
      runs.push(run)
      return run
    },
    [Symbol.asyncDispose]: async () => {
      for (const run of runs) run.signal('SIGKILL')
      await Promise.all(runs.map((run) => run.ended))
      log.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
