import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { makeTemporaryFolder } from '../provide/temporary-folder.ts'
import { answersPing, redisProcess } from './redis.ts'

test('Redis listens on loopback, writes nothing to disk and bounds its memory', async () => {
  await using folder = await makeTemporaryFolder(tmpdir())
  const spec = redisProcess({
    program: 'redis-server',
    folder: folder.path,
    port: 6390,
    environment: {},
  })

  const { args } = spec.command(undefined)

  const settings = new Map(args.flatMap((arg, at) => (at % 2 === 0 ? [[arg, args[at + 1]]] : [])))
  assert.equal(settings.get('--bind'), '127.0.0.1')
  assert.equal(settings.get('--port'), '6390')
  assert.equal(settings.get('--appendonly'), 'no')
  assert.equal(settings.get('--save'), '')
  assert.equal(settings.get('--maxmemory'), '128mb')
})

test('whoever answers something else than PONG is no Redis', async () => {
  for (const [says, isRedis] of [
    ['+PONG\r\n', true],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', false],
    ['', false],
  ] as const) {
    await using server = createServer((socket) => socket.resume().end(says))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')

    assert.equal(await answersPing(address.port), isRedis, says)
  }
})
