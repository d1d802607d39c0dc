import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { request } from 'undici'
import { makeCertificates } from '../test/support/certificates.ts'
import { startGateway } from './app.ts'
import { ConfigError, parseConfig } from './config.ts'

test('a gateway starts without any region, is not ready, and closes twice', async () => {
  await using given = await givenFiles(GOOD_REGIONS)
  await using gateway = await startGateway(given.config)

  const ready = await request(`${gateway.adminUrl}/readyz`)
  const live = await request(`${gateway.adminUrl}/livez`)
  await gateway.close()
  await gateway.close()

  assert.equal(ready.statusCode, 503)
  assert.equal(live.statusCode, 200)
  assert.match(gateway.publicUrls[0] ?? '', /^https:\/\/localhost:\d+$/)
})

test('a file of regions that cannot be used is refused with every problem', async () => {
  const [eu] = GOOD_REGIONS.regions
  await using given = await givenFiles({
    ...GOOD_REGIONS,
    regions: [{ ...eu, lat: 91 }, eu, { ...eu, residencyTags: ['mars'] }],
  })

  const error = await startGateway(given.config).then(
    () => assert.fail('it started'),
    (thrown) => thrown,
  )

  assert.ok(error instanceof ConfigError)
  assert.ok(error.problems.length >= 3, error.message)
  assert.match(error.message, /lat/)
  assert.match(error.message, /mars/)
})

const GOOD_REGIONS = {
  version: 1,
  proximity: 'client',
  residencyTags: ['eu'],
  regions: [
    {
      id: 'eu-central',
      name: 'Frankfurt',
      lat: 50.1109,
      lon: 8.6821,
      residencyTags: ['eu'],
      ingress: ['https://127.0.0.1:9'], // The discard port: nobody is there.
    },
  ],
}

async function givenFiles(regions: object) {
  await using opened = new AsyncDisposableStack()
  const certificates = opened.use(await makeCertificates({ regions: ['eu-central'] }))
  const folder = await mkdtemp(join(tmpdir(), 'meridian-app-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const regionsFile = join(folder, 'regions.json')
  await writeFile(regionsFile, JSON.stringify(regions))
  const kept = opened.move()
  return {
    config: parseConfig({
      GATEWAY_HOST: '127.0.0.1',
      GATEWAY_HTTPS_PORT: '0',
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_TLS_CERT_FILE: certificates.publicLocalhost.certFile,
      GATEWAY_TLS_KEY_FILE: certificates.publicLocalhost.keyFile,
      MERIDIAN_CA_FILE: certificates.ca.certFile,
      GATEWAY_CERT_FILE: certificates.gateway.certFile,
      GATEWAY_KEY_FILE: certificates.gateway.keyFile,
      REGIONS_FILE: regionsFile,
      LOG_LEVEL: 'silent',
    }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
