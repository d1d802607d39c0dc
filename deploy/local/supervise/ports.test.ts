import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { LaunchError } from '../launch-error.ts'
import { assertPortFree, findFreePort } from './ports.ts'

const WANTED = { host: '127.0.0.1', purpose: "the gateway's HTTPS", variable: 'GATEWAY_HTTPS_PORT' }

test('a free port can be listened on', async () => {
  const port = await findFreePort()

  await assertPortFree({ ...WANTED, port })
})

test('port 0 is always free', async () => {
  await assertPortFree({ ...WANTED, port: 0 })
})

test('a busy port is named with its purpose, its holder and the way around', async () => {
  await using server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const { port } = address

  await assert.rejects(assertPortFree({ ...WANTED, port }), (error) => {
    assert.ok(error instanceof LaunchError)
    assert.equal(error.exitCode, 69)
    const holder = process.platform === 'linux' ? `held by process ${process.pid}` : 'lsof'
    assert.ok(error.message.startsWith(`port ${port} of 127.0.0.1 (the gateway's HTTPS) is busy`))
    assert.ok(error.message.includes(holder), error.message)
    assert.equal(error.remedy, `GATEWAY_HTTPS_PORT=${port + 1} npm start`)
    return true
  })
})

test('an address that this machine does not have is told apart from a busy one', async () => {
  const wanted = { ...WANTED, host: '192.0.2.1', port: 8443 }

  await assert.rejects(assertPortFree(wanted), /cannot be used \(EADDRNOTAVAIL\)/)
})
