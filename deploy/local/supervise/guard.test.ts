import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'

const GUARD = join(import.meta.dirname, 'guard.ts')

test('when its pipe closes a guard ends whom it was told of, and nobody else', async () => {
  await using lab = makeLab('60000')
  const [watched, unwatched, unknown] = [lab.shell(''), lab.shell(''), lab.shell('')]

  lab.guard.stdin.end(`+${watched.pid}\n+${unwatched.pid}\nsoup\n\n-${unwatched.pid}\n`)

  assert.deepEqual(await once(watched, 'exit'), [null, 'SIGTERM'])
  assert.deepEqual(await once(lab.guard, 'exit'), [0, null])
  assert.equal(unwatched.signalCode, null)
  assert.equal(unknown.signalCode, null)
})

test('who does not obey is killed when the grace is over', async () => {
  await using lab = makeLab('50')
  const stubborn = lab.shell("trap '' TERM; echo up;")
  await once(stubborn.stdout ?? assert.fail(), 'data')

  lab.guard.stdin.end(`+${stubborn.pid}\n`)

  assert.deepEqual(await once(stubborn, 'exit'), [null, 'SIGKILL'])
})

function makeLab(graceMs: string) {
  const guard = spawn(process.execPath, [GUARD, graceMs], { stdio: ['pipe', 'ignore', 'inherit'] })
  const shells: ChildProcess[] = []
  return {
    guard,
    shell: (first: string): ChildProcess => {
      const shell = spawn('sh', ['-c', `${first} exec sleep 600`], {
        detached: true,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      shells.push(shell)
      return shell
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of [guard, ...shells]) {
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
    },
  }
}
