import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { findRedisServer, startRedisServer } from './redis-server.ts'

async function answerTo(command: string, port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  try {
    return await answerOn(socket, command)
  } finally {
    socket.destroy()
  }
}

async function answerOn(socket: Socket, command: string): Promise<string> {
  socket.write(`${command}\r\n`)
  const [data] = await once(socket, 'data')
  return String(data).trim()
}

test('two servers take connections at ports of their own and know nothing of each other', async () => {
  await using one = await startRedisServer()
  await using other = await startRedisServer()

  assert.notEqual(one.port, other.port)
  assert.equal(await answerTo('SET who one', one.port), '+OK')
  assert.equal(await answerTo('GET who', other.port), '$-1')
})

test('a restart keeps the port and nothing else, after a stop and after a kill', async () => {
  await using server = await startRedisServer()
  const { url, pid } = server
  await answerTo('SET who one', server.port)

  await server.kill()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.throws(() => server.pid, /not running/)
  await server.restart()

  assert.equal(server.url, url)
  assert.notEqual(server.pid, pid)
  assert.equal(await answerTo('GET who', server.port), '$-1')
})

test('a frozen server takes connections, and answers when it has thawed', async () => {
  await using server = await startRedisServer()
  server.freeze()
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  let answer: string | undefined
  const answered = answerOn(socket, 'PING').then((text) => {
    answer = text
  })
  // Another server has answered after the question was sent, so this one could have.
  await using awake = await startRedisServer()
  assert.equal(await answerTo('PING', awake.port), '+PONG')
  assert.equal(answer, undefined)

  server.thaw()

  await answered
  assert.equal(answer, '+PONG')
  socket.destroy()
})

test('a frozen server can be stopped', async () => {
  await using server = await startRedisServer()
  const { pid } = server
  server.freeze()

  await server.stop()

  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

test('further settings reach the server', async () => {
  await using server = await startRedisServer({ settings: ['--requirepass', 'secret'] })

  assert.match(await answerTo('PING', server.port), /^-NOAUTH/)
})

test('a server that cannot start says why in its own words', async () => {
  await using server = await startRedisServer()

  await assert.rejects(startRedisServer({ port: server.port }), /address already in use/i)
  await assert.rejects(startRedisServer({ settings: ['--nonsense', '1'] }), /did not start/)
})

test('the program is the one that the environment names', (t) => {
  const before = process.env.MERIDIAN_REDIS_SERVER
  t.after(() => {
    if (before === undefined) delete process.env.MERIDIAN_REDIS_SERVER
    else process.env.MERIDIAN_REDIS_SERVER = before
  })

  process.env.MERIDIAN_REDIS_SERVER = '/somewhere/redis-server'

  assert.equal(findRedisServer(), '/somewhere/redis-server')
})
