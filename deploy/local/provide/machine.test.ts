import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { describeMachine } from './machine.ts'

test('the machine is described by what it is', () => {
  const machine = describeMachine('/store', { PATH: '/bin' })

  const unlessMac = existsSync('/etc/debian_version') ? 'debian' : 'other'
  assert.equal(machine.kind, process.platform === 'darwin' ? 'mac' : unlessMac)
  assert.equal(machine.isRoot, process.getuid?.() === 0)
  assert.equal(machine.storeDir, '/store')
  assert.deepEqual(machine.environment, { PATH: '/bin' })
})
