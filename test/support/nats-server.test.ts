import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { findNatsServer, startNatsServer } from './nats-server.ts'

async function greeting(port: number): Promise<{ jetstream?: boolean; version: string }> {
  const socket = connect(port, '127.0.0.1')
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return JSON.parse(data.toString().replace(/^INFO /, ''))
}

test('a server takes connections at a port of its own and has JetStream if asked', async () => {
  await using one = await startNatsServer({ jetstream: true })
  await using other = await startNatsServer()

  assert.notEqual(one.port, other.port)
  assert.equal((await greeting(one.port)).jetstream, true)
  assert.equal((await greeting(other.port)).jetstream, undefined)
})

test('a restart keeps the port after a stop and after a kill', async () => {
  await using server = await startNatsServer({ jetstream: true })
  const { url, pid } = server

  await server.kill()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  await server.restart()

  assert.equal(server.url, url)
  assert.notEqual(server.pid, pid)
  assert.ok((await greeting(server.port)).version)
})

test('a server that cannot start says why in its own words', async () => {
  await using server = await startNatsServer()

  await assert.rejects(startNatsServer({ port: server.port }), /address already in use/)
  await assert.rejects(startNatsServer({ config: 'nonsense {' }), /nats-server did not start/)
})

test('the program is the one that the environment names', (t) => {
  const before = process.env.MERIDIAN_NATS_SERVER
  t.after(() => {
    if (before === undefined) delete process.env.MERIDIAN_NATS_SERVER
    else process.env.MERIDIAN_NATS_SERVER = before
  })

  process.env.MERIDIAN_NATS_SERVER = '/somewhere/nats-server'

  assert.equal(findNatsServer(), '/somewhere/nats-server')
})
