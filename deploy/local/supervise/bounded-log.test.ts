import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { BoundedLog } from './bounded-log.ts'

test('a log is emptied when it is made, and its folder with it', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const path = join(folder.path, 'logs', 'gateway.log')
  new BoundedLog(path).close()
  await writeFile(path, 'of the last run\n')

  const log = new BoundedLog(path)
  log.write(Buffer.from('one\n'))
  log.close()

  assert.equal(await readFile(path, 'utf8'), 'one\n')
})

test('a full log is moved aside, so two files of the bound are all there ever is', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const log = new BoundedLog(join(folder.path, 'a.log'), 10)

  for (const line of ['1 aaaa\n', '2 bbbb\n', '3 cccc\n']) log.write(Buffer.from(line))
  log.close()

  assert.deepEqual((await readdir(folder.path)).sort(), ['a.log', 'a.log.1'])
  assert.equal(await readFile(join(folder.path, 'a.log.1'), 'utf8'), '2 bbbb\n')
  assert.equal(await readFile(join(folder.path, 'a.log'), 'utf8'), '3 cccc\n')
})

test('the last lines are kept across a move, oldest first', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const log = new BoundedLog(join(folder.path, 'a.log'), 10)

  log.write(Buffer.from('one\ntwo\nthr'))
  log.write(Buffer.from('ee\nfour\n'))
  log.close()

  assert.deepEqual(log.lastLines(3), ['two', 'three', 'four'])
})

test('closing twice and writing to a closed log do nothing', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const log = new BoundedLog(join(folder.path, 'a.log'))

  log.close()
  log.close()
  log.write(Buffer.from('late\n'))

  assert.equal(await readFile(log.path, 'utf8'), '')
})
