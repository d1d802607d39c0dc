import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isGroupLeft, killGroup } from './kill-group.ts'

test('a signal ends the leader of a group and what it has started', async () => {
  const leader = spawn('sh', ['-c', 'sleep 600 & echo up; wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  assert.ok(leader.pid !== undefined)
  await once(leader.stdout, 'data')
  assert.equal(isGroupLeft(leader.pid), true)

  killGroup(leader.pid, 'SIGKILL')

  // The pipe has two writers: it closes when the second of them is gone too.
  await once(leader, 'close')
})

test('a group that is gone takes any signal without complaint', async () => {
  const leader = spawn('true', { detached: true })
  assert.ok(leader.pid !== undefined)
  await once(leader, 'close')

  killGroup(leader.pid, 'SIGTERM')

  assert.equal(isGroupLeft(leader.pid), false)
})
