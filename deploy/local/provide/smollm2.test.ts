// Ollama is a script here that answers like a server and, told to create a model, leaves the files
// that the real one leaves. `npm run test:clients` asks the real model.

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Machine } from './machine.ts'
import { isModelProvided, modelsFolderOf, provideModel } from './smollm2.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'

const GGUF = 'SmolLM2-135M-Instruct.Q4_1.gguf'
const WHEEL = join(import.meta.dirname, 'fixtures/programs-1.0-py3-none-any.whl')

const OLLAMA = `
const { appendFileSync, cpSync, mkdirSync, writeFileSync } = require('node:fs')
const { OLLAMA_HOST, OLLAMA_MODELS } = process.env
const [command, , , modelfile] = process.argv.slice(2)
appendFileSync(__dirname + '/calls', command + '\\n')
if (command === 'serve') {
  const [host, port] = OLLAMA_HOST.split(':')
  require('node:http').createServer((_, response) => response.end('{}')).listen(port, host)
} else {
  const manifests = OLLAMA_MODELS + '/manifests/some.origin/library/smollm2'
  mkdirSync(manifests, { recursive: true })
  mkdirSync(OLLAMA_MODELS + '/blobs')
  writeFileSync(OLLAMA_MODELS + '/blobs/sha256-1', 'weights')
  cpSync(modelfile, OLLAMA_MODELS + '/blobs/sha256-2')
  writeFileSync(manifests + '/135m', 'manifest')
}
`

test('the model is created once, in a store of its own, and then found', async () => {
  await using lab = await makeLab()
  await lab.haveGguf()
  assert.equal(await isModelProvided(lab.machine.storeDir), false)

  await provideModel(lab.machine, lab.ollama)
  await provideModel(lab.machine, lab.ollama)

  assert.equal(await isModelProvided(lab.machine.storeDir), true)
  assert.deepEqual(await lab.calls(), ['serve', 'create'])
  const blobs = join(modelsFolderOf(lab.machine.storeDir), 'blobs')
  assert.deepEqual((await readdir(blobs)).sort(), ['sha256-1', 'sha256-2'])
  assert.deepEqual(await readdir(join(lab.machine.storeDir, 'tmp')), [])
})

test('the model is described in ChatML, with the weights by their path', async () => {
  await using lab = await makeLab()
  await lab.haveGguf()

  await provideModel(lab.machine, lab.ollama)

  const copy = join(modelsFolderOf(lab.machine.storeDir), 'blobs/sha256-2')
  const lines = (await readFile(copy, 'utf8')).split('\n')
  assert.equal(lines[0], `FROM ${join(lab.machine.storeDir, 'models', GGUF)}`)
  assert.equal(lines[1], 'TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}')
  assert.ok(lines.includes('PARAMETER stop "<|im_end|>"'))
})

test('other models in the store stay', async () => {
  await using lab = await makeLab()
  await lab.haveGguf()
  const other = join(modelsFolderOf(lab.machine.storeDir), 'manifests/some.origin/library/qwen3')
  await mkdir(other, { recursive: true })
  await writeFile(join(other, 'latest'), 'manifest')

  await provideModel(lab.machine, lab.ollama)

  assert.equal(await readFile(join(other, 'latest'), 'utf8'), 'manifest')
})

test('weights that are not those on record are refused', async () => {
  await using lab = await makeLab()

  await assert.rejects(provideModel(lab.machine, lab.ollama), {
    name: 'LaunchError',
    message: new RegExp(`^the model smollm2:135m could not be provided: ${GGUF} has checksum`),
  })
  assert.equal(await isModelProvided(lab.machine.storeDir), false)
})

test('an Ollama that does not come up is told from a model that cannot be created', async () => {
  await using lab = await makeLab("process.exit(process.argv[2] === 'serve' ? 1 : 0)")
  await using other = await makeLab(
    OLLAMA.replace(
      '} else {',
      "} else if (process.stderr.write('no space\\n')) process.exit(1)\nelse {",
    ),
  )
  await lab.haveGguf()
  await other.haveGguf()

  await assert.rejects(provideModel(lab.machine, lab.ollama), /ollama serve did not come up$/)
  await assert.rejects(provideModel(other.machine, other.ollama), /ollama create: no space$/)
})

async function makeLab(script = OLLAMA) {
  const folder = await makeTemporaryFolder(tmpdir())
  const bin = join(folder.path, 'bin')
  const storeDir = join(folder.path, 'store')
  await mkdir(bin)
  await mkdir(storeDir)
  await writeFile(join(bin, 'ollama.cjs'), script)
  await writeFile(join(bin, 'calls'), '')
  const ollama = join(bin, 'ollama')
  const start = `#!/bin/sh\nexec '${process.execPath}' '${join(bin, 'ollama.cjs')}' "$@"\n`
  await writeFile(ollama, start, { mode: 0o755 })
  const pip = `#!/bin/sh\ncase $1 in download) /bin/cp '${WHEEL}' "$5";; esac\n`
  await writeFile(join(bin, 'pip3'), pip, { mode: 0o755 })
  const machine: Machine = {
    storeDir,
    environment: { PATH: bin },
    kind: 'other',
    isRoot: false,
    say: () => {},
  }
  return {
    machine,
    ollama,
    haveGguf: async () => {
      await mkdir(join(storeDir, 'models'))
      await writeFile(join(storeDir, 'models', GGUF), 'weights')
    },
    calls: async () => (await readFile(join(bin, 'calls'), 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}
