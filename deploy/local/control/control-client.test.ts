import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { askLauncher } from './control-client.ts'

test('where no launcher listens the question fails with the code of the connection', async () => {
  await assert.rejects(askLauncher('/nowhere/launcher.sock', 'GET', '/'), { code: 'ENOENT' })
})

test('an answer that is no JSON, or without an end, fails the question', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const socket = join(folder.path, 'other.sock')
  await using server = createServer((request, response) => {
    response.end(request.url === '/' ? 'hello' : `"${'x'.repeat(1024 * 1024)}"`)
  })
  server.listen(socket)
  await once(server, 'listening')

  await assert.rejects(askLauncher(socket, 'GET', '/'), SyntaxError)
  await assert.rejects(askLauncher(socket, 'GET', '/long'), /too long/)
})
