import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from './run-command.ts'

const run = (script: string, options: { timeoutMs?: number; stop?: AbortSignal } = {}) =>
  runCommand('/bin/sh', ['-c', script], { environment: {}, timeoutMs: 60_000, ...options })

test('a command that succeeds gives what it wrote', async () => {
  assert.deepEqual(await run('echo out; echo err >&2'), { kind: 'done', output: 'out\nerr\n' })
})

test('a command that fails says the last lines of what it complained about', async () => {
  const result = await run('echo progress; for n in 1 2 3 4; do echo line $n >&2; done; exit 1')

  assert.deepEqual(result, { kind: 'failed', why: 'line 2 / line 3 / line 4' })
})

test('a command that fails without a complaint is told by what it wrote', async () => {
  assert.deepEqual(await run('echo half; exit 1'), { kind: 'failed', why: 'half' })
})

test('a program that does not exist is absent, which is no failure', async () => {
  const options = { environment: { PATH: '/nowhere' }, timeoutMs: 60_000 }

  assert.deepEqual(await runCommand('pip3', [], options), { kind: 'absent' })
})

test('a command that does not end is ended by its time limit', async () => {
  const result = await run('exec sleep 600', { timeoutMs: 50 })

  assert.deepEqual(result, { kind: 'failed', why: 'no end after 50 ms' })
})

test('an abort ends a command', async () => {
  const stop = new AbortController()
  const running = run('exec sleep 600', { stop: stop.signal })

  stop.abort()

  assert.equal((await running).kind, 'failed')
})
