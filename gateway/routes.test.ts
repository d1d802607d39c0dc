import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createListener } from './downstream/listener.ts'
import type { GenerationStations } from './handle-generation.ts'
import { addRoutes } from './routes.ts'

test('every path of the README is there, and answers 405 to other methods', async () => {
  const { app, close } = newListener()
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| (`(?:GET|POST)`?[^|]*) \| (?:OpenAI|Ollama)/gm)]
  const paths = rows.flatMap(([, cell = '']) => cell.match(/\/(?:v1|api)\/[\w/{}]+/g) ?? [])

  for (const path of paths) {
    const url = path.replace('{id}', 'x')
    const { statusCode, headers } = await app.inject({ method: 'PATCH', url })
    assert.ok(statusCode === 405 || statusCode === 403, `${path}: ${statusCode}`)
    if (statusCode === 405) assert.match(String(headers.allow), /^(POST|GET, HEAD)$/)
  }

  assert.ok(paths.length >= 8, paths.join(' '))
  await close()
})

test('whatever would change models is 403 in the words of Ollama, for every method', async () => {
  const { app, close } = newListener()
  for (const [method, url] of [
    ['POST', '/api/pull'],
    ['DELETE', '/api/delete'],
    ['HEAD', '/api/blobs/sha256:0'],
    ['POST', '/api/create'],
  ] as const) {
    assert.equal((await app.inject({ method, url })).statusCode, 403, url)
  }
  await close()
})

function newListener() {
  const listener = createListener({
    tls: undefined,
    bodyBytesMax: 1_024,
    connectionsMax: 10,
    headersTimeoutMs: 1_000,
    requestTimeoutMs: 1_000,
    keepAliveTimeoutMs: 1_000,
    newRequestId: () => 'req_test_0',
    clientAddressOf: () => undefined,
    nowMs: () => 0,
    random: () => 0,
    onBegin: () => undefined,
    onEnd: () => undefined,
  })
  const generation = { finish: () => undefined } as Partial<GenerationStations>
  addRoutes(listener.app, {
    generation: generation as GenerationStations,
    views: () => [],
    readerTimeoutMs: 1_000,
  })
  return listener
}
