import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'

// Goal: the process ends as its supervisor expects. Its good life is proved by the process tests.

test('gateway/main.ts says every problem of its config at once and exits with 78', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      GATEWAY_HTTPS_PORT: 'many',
      GATEWAY_PROBE_EVERY_MS: '-1',
      TRUSTED_PROXIES: '10.0.0.0/99',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (piece) => {
    said += piece
  })

  const [code] = await once(child, 'close')

  assert.equal(code, 78)
  for (const name of [
    'GATEWAY_HTTPS_PORT',
    'GATEWAY_PROBE_EVERY_MS',
    'TRUSTED_PROXIES',
    'MERIDIAN_CA_FILE',
  ]) {
    assert.match(said, new RegExp(name))
  }
})
