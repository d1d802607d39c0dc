import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { answersOk, pollUntil } from './poll.ts'

const PATIENCE = { timeoutMs: 10_000, everyMs: 1 }

test('polling returns the first answer there is', async () => {
  const answers = [undefined, undefined, 'third', 'fourth']

  const answer = await pollUntil(() => answers.shift(), PATIENCE)

  assert.equal(answer, 'third')
})

test('polling asks at least once and gives up when its time is over', async () => {
  let asked = 0
  const ask = () => {
    asked += 1
    return undefined
  }

  assert.equal(await pollUntil(ask, { timeoutMs: 0, everyMs: 1 }), undefined)
  assert.equal(asked, 1)
})

test('an abort ends polling, also between two questions', async () => {
  const stop = new AbortController()

  const answer = await pollUntil(() => stop.abort(), {
    timeoutMs: 60_000,
    everyMs: 60_000,
    signal: stop.signal,
  })

  assert.equal(answer, undefined)
})

test('only a status of the 200s counts as an answer', async () => {
  const statuses = [200, 204, 404, 503]
  const answers = await Promise.all(
    statuses.map(async (status) => {
      const server = createServer((_, response) => response.writeHead(status).end())
      await using url = await listen(server)
      return await answersOk(url.href)
    }),
  )

  assert.deepEqual(answers, [true, true, false, false])
})

test('a server that is silent or gone does not answer', async () => {
  const silent = createServer(() => {})
  let href = ''
  {
    await using url = await listen(silent)
    href = url.href
    assert.equal(await answersOk(href, 50), false)
  }
  assert.equal(await answersOk(href), false)
})

async function listen(server: Server): Promise<AsyncDisposable & { href: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    href: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
