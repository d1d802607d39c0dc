import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bannerOf, type Started } from './banner.ts'

const region = (id: string) => ({
  id,
  ingressUrl: 'https://127.0.0.1:7443',
  nats: { url: 'nats://127.0.0.1:4222', monitorUrl: 'http://127.0.0.1:8222', pid: 2 },
  ingress: { id: `${id}-ingress`, pid: 3, adminUrl: 'http://127.0.0.1:9191' },
  workers: [1, 2].map((at) => ({
    id: `${id}-worker-${at}`,
    pid: 3 + at,
    adminUrl: 'http://127.0.0.1:9292',
  })),
})

const STARTED: Started = {
  gateway: { url: 'https://localhost:8443', adminUrl: 'http://127.0.0.1:9090', pid: 1 },
  ca: '/project/.runtime/certs/ca.pem',
  regions: ['us-east', 'eu-central', 'ap-southeast'].map(region),
  redis: null,
  modelServer: { url: 'http://127.0.0.1:11434', kind: 'stand-in', pid: 9 },
  controlSocket: '/project/.runtime/launcher.sock',
}

const WORDS = { ca: 'ca.pem', modelServer: 'a stand-in, no model', model: 'tiny', notes: [] }

test('the banner says what to open and who answers, in under ten lines', () => {
  const banner = bannerOf(STARTED, { ...WORDS, notes: ['No Redis: it is missing.'] })

  const lines = banner.trimEnd().split('\n')
  assert.ok(lines.length < 10)
  assert.equal(lines[0], 'Meridian is up: us-east, eu-central, ap-southeast; 6 workers.')
  assert.equal(lines[1], 'API https://localhost:8443   admin http://127.0.0.1:9090   CA ca.pem')
  assert.equal(lines[2], 'Model server: a stand-in, no model.')
  assert.equal(lines[3], 'No Redis: it is missing.')
})

test('the banner has a request as from Frankfurt and one as from Singapore', () => {
  const banner = bannerOf(STARTED, WORDS)

  const curls = banner.split('\n').filter((line) => line.includes('curl'))
  assert.deepEqual(
    curls.map((line) => line.replace(/'\{.*\}'/, 'BODY')),
    ['Frankfurt: 46.101.128.1', 'Singapore: 128.199.64.1'].map((client) => {
      const [place, address] = client.split(': ')
      const headers = `-H 'X-Forwarded-For: ${address}' -H 'Content-Type: application/json'`
      const url = 'https://localhost:8443/v1/chat/completions'
      return `${place}: curl -iN --cacert ca.pem ${headers} -d BODY ${url}`
    }),
  )
  const body: unknown = JSON.parse(/'(\{.*\})'/.exec(curls[0] ?? '')?.[1] ?? '')
  assert.deepEqual(body, {
    model: 'tiny',
    stream: true,
    messages: [{ role: 'user', content: 'Say hello.' }],
  })
})

test('a model server without a model is nothing to try yet', () => {
  const banner = bannerOf(STARTED, { ...WORDS, model: undefined })

  assert.doesNotMatch(banner, /curl/)
  assert.match(banner, /no model yet/)
})
