import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { ask, chat } from './ask.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

function startProcess(...args: readonly string[]): ChildProcess {
  const main = new URL('main.ts', import.meta.url).pathname
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function firstLine(child: ChildProcess): Promise<{ url: string; controlUrl?: string }> {
  assert.ok(child.stdout)
  const [line] = await once(createInterface(child.stdout), 'line')
  return JSON.parse(String(line))
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`the process says where it listens, and ${signal} ends it cleanly`, async () => {
    const child = startProcess('--port', '0', '--tokens', '2', '--models', 'own:1b')
    const ended = once(child, 'exit')
    const { url, ...rest } = await firstLine(child)
    assert.deepEqual(rest, {})
    assert.equal((await chat(url, 'Hi.', { model: 'own:1b' })).content, 'w1 w2')
    child.kill(signal)
    assert.deepEqual(await ended, [0, null])
  })
}

test('the process can have a second door for control', async () => {
  const child = startProcess('--port', '0', '--control-port', '0')
  const ended = once(child, 'exit')
  const { url, controlUrl } = await firstLine(child)
  await ask(`${controlUrl}/_stand-in/control`, { refuse: true })
  await assert.rejects(fetch(url))
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})

test('a wrong command line is an exit code of its own and all its problems', async () => {
  const child = startProcess('--slots', '0', '--tokens', 'x')
  let told = ''
  child.stderr?.on('data', (chunk) => {
    told += chunk
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 78)
  assert.match(told, /--slots 0.*\n.*--tokens x.*\nnode main\.ts/)
})

test('a port that is taken is one line and an exit code', async () => {
  await using there = await startOllamaStandIn()
  const child = startProcess('--port', new URL(there.url).port)
  let told = ''
  child.stderr?.on('data', (chunk) => {
    told += chunk
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 1)
  assert.match(told, /^cannot listen: .*EADDRINUSE.*\n$/)
})
