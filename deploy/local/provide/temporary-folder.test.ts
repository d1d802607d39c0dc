import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from './temporary-folder.ts'

test('a temporary folder goes with all it holds when it is disposed of', async () => {
  await using store = await makeTemporaryFolder(tmpdir())
  {
    await using folder = await makeTemporaryFolder(store.path)
    await writeFile(join(folder.path, 'half'), 'a program')
  }

  assert.deepEqual(await readdir(join(store.path, 'tmp')), [])
})

test('what a killed command has left is removed, what a running one uses is not', async () => {
  await using store = await makeTemporaryFolder(tmpdir())
  const { pid: dead } = spawnSync('true')
  await mkdir(join(store.path, 'tmp', `${dead}-abc`), { recursive: true })
  await mkdir(join(store.path, 'tmp', `${process.ppid}-def`))

  await using folder = await makeTemporaryFolder(store.path)

  const left = await readdir(join(store.path, 'tmp'))
  assert.equal(left.length, 2)
  assert.ok(left.includes(`${process.ppid}-def`))
  assert.ok(left.some((name) => folder.path.endsWith(name)))
})
