import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdminListener, type Readiness, startAdminListener } from './admin-listener.ts'

test('it answers that the process lives, also when it is not ready', async () => {
  await using admin = await start({ ready: false, reasons: ['nats-away'] })

  assert.equal((await fetch(`${admin.url}/livez`)).status, 200)
})

test('readiness is 200 or 503, with the reasons', async () => {
  await using ready = await start({ ready: true, reasons: [] })
  await using unready = await start({ ready: false, reasons: ['nats-away'] })

  assert.equal((await fetch(`${ready.url}/readyz`)).status, 200)
  const response = await fetch(`${unready.url}/readyz`)
  assert.equal(response.status, 503)
  assert.deepEqual(await response.json(), { ready: false, reasons: ['nats-away'] })
})

test('metrics are text, and 500 when one of them cannot be read', async () => {
  await using admin = await start()
  await using broken = await start(undefined, () => Promise.reject(new Error('no')))

  const response = await fetch(`${admin.url}/metrics`)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(await response.text(), 'up 1\n')
  assert.equal((await fetch(`${broken.url}/metrics`)).status, 500)
})

test('other paths are 404, other methods 405', async () => {
  await using admin = await start()

  assert.equal((await fetch(`${admin.url}/`)).status, 404)
  const response = await fetch(`${admin.url}/livez?x=1`, { method: 'POST', body: 'x' })
  assert.equal(response.status, 405)
  assert.equal(response.headers.get('allow'), 'GET, HEAD')
})

test('closing cuts what is open, and may be done twice', async () => {
  const admin = await start()
  await fetch(`${admin.url}/livez`) // Leaves a connection behind that is kept alive.

  await admin.close()
  await admin.close()

  await assert.rejects(fetch(`${admin.url}/livez`))
})

test('an address that is taken is refused', async () => {
  await using admin = await start()

  await assert.rejects(start(undefined, undefined, Number(new URL(admin.url).port)), {
    code: 'EADDRINUSE',
  })
})

async function start(
  readiness: Readiness = { ready: true, reasons: [] },
  metricsText = () => Promise.resolve('up 1\n'),
  port = 0,
): Promise<AdminListener & AsyncDisposable> {
  const isReady = (): Readiness => readiness
  const admin = await startAdminListener({ host: '127.0.0.1', port, isReady, metricsText })
  return { ...admin, [Symbol.asyncDispose]: admin.close }
}
