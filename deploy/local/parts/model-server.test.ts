// Goal: whoever answers, the launcher says which kind it is, and starts only what was asked for.
// Method: Ollama is an HTTP server here, the stand-in a script that says where it listens. The real
// ones are tried by `npm run test:clients` and by the journeys.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LauncherConfig, parseLauncherConfig } from '../config.ts'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { answersOk } from '../supervise/poll.ts'
import { findFreePort } from '../supervise/ports.ts'
import { Processes } from '../supervise/processes.ts'
import { decodeStandInLine, startModelServer } from './model-server.ts'

test('an Ollama that answers is taken, with the first of its models to try', async () => {
  await using ollama = await startServer((path) =>
    path === '/api/tags' ? '{"models":[{"name":"qwen3:latest"},{"name":"other"}]}' : '{}',
  )
  await using lab = await makeLab({ ollamaUrl: ollama.url })

  const server = await startModelServer(lab.config, 4, lab.processes)

  assert.deepEqual(server, {
    url: ollama.url,
    kind: 'ollama',
    process: undefined,
    exampleModel: 'qwen3:latest',
    words: `Ollama at ${ollama.url}`,
  })
})

test('an Ollama without models, or with an odd answer, has none to try', async () => {
  for (const tags of ['{"models":[]}', '{}', 'null', '{"models":[{"name":7}]}', 'soup']) {
    await using ollama = await startServer((path) => (path === '/api/tags' ? tags : '{}'))
    await using lab = await makeLab({ ollamaUrl: ollama.url })

    const server = await startModelServer(lab.config, 4, lab.processes)

    assert.equal(server.exampleModel, undefined, tags)
  }
})

test('where no Ollama answers the stand-in does, and does not pretend to be a model', async () => {
  await using lab = await makeLab({ ollamaUrl: `http://127.0.0.1:${await findFreePort()}` })

  const server = await startModelServer(lab.config, 12, lab.processes)

  assert.equal(server.kind, 'stand-in')
  const why = `no Ollama answers at ${lab.config.ollamaUrl}`
  assert.equal(server.words, `a stand-in, no model: ${why}, so answers are numbered words`)
  assert.equal(await answersOk(`${server.url}/api/version`), true)
  const response = await fetch(`${server.url}/arguments`)
  assert.deepEqual(await response.json(), [
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--slots',
    '12',
    '--models',
    'smollm2:135m,qwen3,qwen3:14b',
  ])
})

test('the stand-in is taken when it was asked for, though an Ollama answers', async () => {
  await using ollama = await startServer(() => '{}')
  await using lab = await makeLab({ ollamaUrl: ollama.url, modelServer: 'stand-in' })

  const server = await startModelServer(lab.config, 1, lab.processes)

  assert.equal(server.kind, 'stand-in')
  assert.match(server.words, /the stand-in was asked for/)
})

test('a stand-in that is started again listens where the workers know it', async () => {
  await using lab = await makeLab({ modelServer: 'stand-in' })
  const { process, url } = await startModelServer(lab.config, 1, lab.processes)
  assert.ok(process !== undefined)

  await process.takeDown('SIGKILL')

  assert.deepEqual(await process.start(), { url })
})

test('an Ollama that was asked for and has not been provided is missed by name', async () => {
  await using lab = await makeLab({ modelServer: 'ollama', environment: { PATH: '/nowhere' } })

  await assert.rejects(startModelServer(lab.config, 1, lab.processes), {
    name: 'LaunchError',
    remedy: 'npm run provide -- ollama',
  })
})

test('a provided Ollama serves its model, to as many at once as there are slots', async () => {
  await using lab = await makeLab({ modelServer: 'ollama', environment: { PATH: '/nowhere' } })
  await lab.provideOllama()

  const server = await startModelServer(lab.config, 6, lab.processes)

  assert.equal(server.kind, 'ollama')
  assert.equal(server.words, 'Ollama 0.13.5 with smollm2:135m')
  const response = await fetch(`${server.url}/environment`)
  const { OLLAMA_NUM_PARALLEL, OLLAMA_MODELS } = (await response.json()) as Record<string, string>
  assert.equal(OLLAMA_NUM_PARALLEL, '6')
  assert.equal(OLLAMA_MODELS, join(lab.config.storeDir, 'ollama'))
})

test('the line of the stand-in is told from any other', () => {
  assert.deepEqual(decodeStandInLine('{"url":"http://127.0.0.1:1234/"}'), {
    url: 'http://127.0.0.1:1234',
  })
  for (const line of ['', 'up', 'null', '{}', '{"url":7}', '{"url":"here"}']) {
    assert.equal(decodeStandInLine(line), undefined, line)
  }
})

/** Plays the stand-in by its line on stdout, and Ollama by OLLAMA_HOST. */
const MODEL_SERVER = `
const { OLLAMA_HOST } = process.env
if (process.argv[2] === '--version') {
  console.log('Warning: client version is 0.13.5')
  process.exit(0)
}
const args = process.argv.slice(2)
const port = OLLAMA_HOST ? OLLAMA_HOST.split(':')[1] : args[args.indexOf('--port') + 1]
const server = require('node:http').createServer((request, response) => {
  if (request.url === '/arguments') response.end(JSON.stringify(args))
  else response.end(JSON.stringify(process.env))
})
server.listen(Number(port), '127.0.0.1', () => {
  console.log(JSON.stringify({ url: 'http://127.0.0.1:' + server.address().port }))
})
`

async function makeLab(changes: Partial<LauncherConfig>) {
  const folder = await makeTemporaryFolder(tmpdir())
  const script = join(folder.path, 'model-server.cjs')
  await writeFile(script, MODEL_SERVER)
  const defaults = parseLauncherConfig([], {})
  const config: LauncherConfig = {
    ...defaults,
    storeDir: join(folder.path, 'store'),
    entries: { ...defaults.entries, standIn: script },
    ...changes,
  }
  const processes = new Processes({ logFolder: folder.path, restart: true, say: () => {} })
  return {
    config,
    processes,
    provideOllama: async () => {
      const bin = join(config.storeDir, 'bin')
      const manifests = join(config.storeDir, 'ollama/manifests/some.origin/library/smollm2')
      await Promise.all([bin, manifests].map((path) => mkdir(path, { recursive: true })))
      await writeFile(join(manifests, '135m'), 'manifest')
      const start = `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`
      await writeFile(join(bin, 'ollama'), start, { mode: 0o755 })
    },
    [Symbol.asyncDispose]: async () => {
      await processes.stopAll()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function startServer(answer: (path: string) => string) {
  const server = createServer((request, response) => response.end(answer(request.url ?? '')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
