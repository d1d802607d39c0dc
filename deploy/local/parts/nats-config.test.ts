import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePortsFile, natsConfig } from './nats-config.ts'

test('the configuration names the region, its domain, its folders and only loopback', () => {
  const config = natsConfig({
    regionId: 'us-east',
    storeDir: '/r/nats/us-east/store',
    portsDir: '/r/with "quotes"/ports',
    port: -1,
    monitorPort: 8222,
  })

  assert.equal(
    config,
    `server_name: "us-east-nats"
listen: "127.0.0.1:-1"
http: "127.0.0.1:8222"
ports_file_dir: "/r/with \\"quotes\\"/ports"
jetstream {
  domain: "us-east"
  store_dir: "/r/nats/us-east/store"
  max_memory_store: 512MB
  max_file_store: 8GB
}
`,
  )
})

test('the file with the ports is read once it is whole', () => {
  const whole = '{"nats":["nats://127.0.0.1:42381"],"monitoring":["http://127.0.0.1:40277"]}'

  assert.deepEqual(decodePortsFile(whole), {
    url: 'nats://127.0.0.1:42381',
    monitorUrl: 'http://127.0.0.1:40277',
  })
  for (const text of ['', whole.slice(0, 40), '{}', '{"nats":[],"monitoring":[]}', 'null']) {
    assert.equal(decodePortsFile(text), undefined, text)
  }
})
