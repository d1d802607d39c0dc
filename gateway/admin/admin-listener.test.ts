import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPlain, statusesOf } from '../../test/support/raw-http.ts'
import { type AdminListener, type AdminSources, startAdminListener } from './admin-listener.ts'

const SOURCES: AdminSources = {
  readiness: () => [],
  metricsText: async () => 'meridian_requests_total 7\n',
  regions: () => [{ id: 'eu-central' }],
  explainAddress: (ip) => (ip === 'nonsense' ? undefined : { ip, regions: [] }),
  config: () => ({ gatewayId: 'gw1' }),
  route: (requestId) => (requestId === 'req_gw1_1' ? { requestId } : undefined),
  setDrained: (regionId) => regionId === 'eu-central',
  receiptKey: () => '-----BEGIN PUBLIC KEY-----\n',
}

interface Opened extends AsyncDisposable {
  readonly admin: AdminListener
  get(path: string): Promise<{ status: number; type: string; text: string }>
}

async function open(sources: Partial<AdminSources> = {}): Promise<Opened> {
  const address = { host: '127.0.0.1', port: 0 }
  const admin = await startAdminListener(address, { ...SOURCES, ...sources })
  return {
    admin,
    get: async (path) => {
      const answer = await fetch(`${admin.url}${path}`)
      const type = answer.headers.get('content-type') ?? ''
      return { status: answer.status, type, text: await answer.text() }
    },
    [Symbol.asyncDispose]: () => admin.close(),
  }
}

const VIEWS: readonly [path: string, answer: unknown][] = [
  ['/livez', { status: 'live' }],
  ['/readyz', { status: 'ready' }],
  ['/admin/regions', { regions: [{ id: 'eu-central' }] }],
  ['/admin/config', { gatewayId: 'gw1' }],
  ['/admin/routes/req_gw1_1', { requestId: 'req_gw1_1' }],
  ['/admin/locate?ip=1.1.1.1', { ip: '1.1.1.1', regions: [] }],
  ['/admin/locate?ip=2001%3Adb8%3A%3A1', { ip: '2001:db8::1', regions: [] }],
]

for (const [path, answer] of VIEWS) {
  test(`GET ${path} answers what is so now`, async () => {
    await using opened = await open()

    const { status, type, text } = await opened.get(path)

    assert.deepEqual([status, type], [200, 'application/json; charset=utf-8'])
    assert.deepEqual(JSON.parse(text), answer)
  })
}

test('a gateway that is not ready says why, and lives', async () => {
  const reasons = ['draining', 'no region is healthy']
  await using opened = await open({ readiness: () => reasons })

  const { status, text } = await opened.get('/readyz')

  assert.equal(status, 503)
  assert.deepEqual(JSON.parse(text), { status: 'not ready', reasons })
  assert.equal((await opened.get('/livez')).status, 200)
})

test('metrics are in the form of Prometheus', async () => {
  await using opened = await open()

  assert.deepEqual(await opened.get('/metrics'), {
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    text: 'meridian_requests_total 7\n',
  })
})

for (const query of ['', '?ip=', '?ip=nonsense', '?ip=1.1.1.1&ip=2.2.2.2', '?ip[]=1.1.1.1']) {
  test(`/admin/locate${query} is no question`, async () => {
    await using opened = await open({ explainAddress: (ip) => (ip === '1.1.1.1' ? {} : undefined) })

    const { status, text } = await opened.get(`/admin/locate${query}`)

    assert.equal(status, 400)
    assert.match(text, /^\{"error":"ip: want one IPv4 or IPv6 address/)
  })
}

test('a source that fails is 500 and says why, and the listener goes on', async () => {
  const regions = () => {
    throw new Error('no such view')
  }
  await using opened = await open({ regions })

  const failed = await opened.get('/admin/regions')

  assert.equal(failed.status, 500)
  assert.match(failed.text, /no such view/)
  assert.equal((await opened.get('/livez')).status, 200)
})

test('what is not there is 404', async () => {
  await using opened = await open()

  assert.equal((await opened.get('/admin/nothing')).status, 404)
})

test('closing does not wait for open connections, and may be done twice', async () => {
  await using opened = await open()
  const port = Number(new URL(opened.admin.url).port)
  await using connection = await openPlain(port)
  connection.send('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')
  assert.deepEqual(statusesOf(await connection.received(/live/)), [200])

  await Promise.all([opened.admin.close(), opened.admin.close()])

  await connection.closed()
})

test('a port that is taken is said', async () => {
  await using opened = await open()
  const port = Number(new URL(opened.admin.url).port)

  await assert.rejects(startAdminListener({ host: '127.0.0.1', port }, SOURCES), {
    code: 'EADDRINUSE',
  })
})

test('a region is told to finish and to begin again; an unknown one is 404', async () => {
  await using opened = await open()
  const post = (path: string) => fetch(`${opened.admin.url}${path}`, { method: 'POST' })

  const drained = await post('/admin/regions/eu-central/drain')
  const undrained = await post('/admin/regions/eu-central/undrain')
  const unknown = await post('/admin/regions/nowhere/drain')

  assert.deepEqual(await drained.json(), { region: 'eu-central', drained: true })
  assert.deepEqual(await undrained.json(), { region: 'eu-central', drained: false })
  assert.equal(unknown.status, 404)
  assert.equal((await opened.get('/admin/regions/eu-central/drain')).status, 404)
})

test('a request that is not known any more is 404, and the key of receipts is there', async () => {
  await using opened = await open()

  assert.equal((await opened.get('/admin/routes/req_gw1_2')).status, 404)
  assert.match((await opened.get('/admin/receipt-key')).text, /BEGIN PUBLIC KEY/)
})
