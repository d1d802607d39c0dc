import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate } from './gate.ts'

const NEVER = new AbortController().signal

test('an open gate is passed at once', async () => {
  await new Gate().passed(NEVER)
})

test('a shut gate holds everybody until it opens', async () => {
  const gate = new Gate()
  gate.shut()
  assert.ok(gate.isShut)
  let passed = 0
  const all = Array.from({ length: 20 }, () => gate.passed(NEVER).then(() => (passed += 1)))
  await new Promise(setImmediate)
  assert.equal(passed, 0)
  gate.open()
  await Promise.all(all)
  assert.equal(passed, 20)
  assert.ok(!gate.isShut)
})

test('whoever goes away at a shut gate waits no longer', async () => {
  const gate = new Gate()
  gate.shut()
  const leaver = new AbortController()
  const held = gate.passed(leaver.signal)
  leaver.abort()
  await assert.rejects(held, { name: 'AbortError' })
})
