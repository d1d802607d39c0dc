import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, rename, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fileVersion, readDatabaseFile } from './database-file.ts'

function scratch() {
  return mkdtempDisposable(join(tmpdir(), 'meridian-database-file-'))
}

test('a file is unpacked when its bytes say gzip, whatever its name', async () => {
  await using folder = await scratch()
  const bytes = Buffer.from('a database')
  await writeFile(join(folder.path, 'plain.gz'), bytes)
  await writeFile(join(folder.path, 'packed.mmdb'), gzipSync(bytes))

  assert.deepEqual(await readDatabaseFile(join(folder.path, 'plain.gz'), 1_000), {
    kind: 'bytes',
    bytes,
  })
  assert.deepEqual(await readDatabaseFile(join(folder.path, 'packed.mmdb'), 1_000), {
    kind: 'bytes',
    bytes,
  })
})

test('a file that is too large, packed or unpacked, is not read', async () => {
  await using folder = await scratch()
  const zeros = Buffer.alloc(1_001)
  await writeFile(join(folder.path, 'plain'), zeros)
  await writeFile(join(folder.path, 'bomb.gz'), gzipSync(zeros))

  assert.deepEqual(await readDatabaseFile(join(folder.path, 'plain'), 1_000), {
    kind: 'unusable',
    problem: 'it has more than 1000 bytes',
  })
  assert.deepEqual(await readDatabaseFile(join(folder.path, 'bomb.gz'), 1_000), {
    kind: 'unusable',
    problem: 'it cannot be unpacked (ERR_BUFFER_TOO_LARGE)',
  })
})

test('a file that is missing or a folder cannot be read now, one cut short never', async () => {
  await using folder = await scratch()
  await mkdir(join(folder.path, 'folder'))
  const packed = gzipSync(Buffer.from('a database'))
  await writeFile(join(folder.path, 'cut.gz'), packed.subarray(0, packed.length - 9))
  const problemOf = async (name: string) => {
    const file = await readDatabaseFile(join(folder.path, name), 1_000_000)
    return file.kind === 'bytes' ? undefined : `${file.kind}: ${file.problem}`
  }

  assert.equal(await problemOf('missing'), 'unreadable: it cannot be read (ENOENT)')
  assert.equal(await problemOf('folder'), 'unreadable: it cannot be read (EISDIR)')
  assert.equal(await problemOf('cut.gz'), 'unusable: it cannot be unpacked (Z_BUF_ERROR)')
})

test('a file has another version when it is written, replaced or linked elsewhere', async () => {
  await using folder = await scratch()
  const [path, other, link] = ['a', 'b', 'link'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(path, 'one')
  const first = await fileVersion(path)
  assert.equal(await fileVersion(path), first)

  await writeFile(path, 'longer')
  const written = await fileVersion(path)
  await writeFile(other, 'longer')
  await rename(other, path)
  const replaced = await fileVersion(path)
  await symlink(path, link)

  assert.equal(new Set([first, written, replaced, await fileVersion(other)]).size, 4)
  assert.equal(await fileVersion(other), 'missing')
  assert.equal(await fileVersion(link), replaced)
})
