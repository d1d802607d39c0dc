// Goal: without GeoIP data the gateway serves, everybody from its own place, and says so.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chat, FROM, startWorld } from '../support/start-world.ts'

for (const what of ['missing', 'broken'] as const) {
  test(`with a ${what} GeoIP file everybody is served from the gateway's own place`, async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'city.mmdb')
    if (what === 'broken') await writeFile(path, 'this is no database')
    await using world = await startWorld({
      regions: ['eu-central', 'ap-southeast'],
      gatewayEnv: { GEOIP_DATABASE: path },
    })

    const answer = await world.ask('/v1/chat/completions', {
      from: FROM.australia,
      body: chat('Hello'),
    })
    const place = (await world.admin(`/admin/locate?ip=${FROM.australia}`)) as {
      place: { source: string; unknownReason: string }
    }

    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-meridian-region'], 'eu-central')
    assert.equal(place.place.source, 'gateway')
    assert.equal(place.place.unknownReason, 'no-database')
  })
}

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'meridian-geoip-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
