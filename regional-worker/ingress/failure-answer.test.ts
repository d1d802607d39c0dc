import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { regionFailure } from '#wire/error-codes.ts'
import { answerFailure } from './failure-answer.ts'

test('a failure is answered with the status of its code and what is known of it', async () => {
  const failure = regionFailure('not-accepting', { workStarted: 'unknown' })
  const server = createServer((_request, response) => answerFailure(response, failure))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo

  const answer = await fetch(`http://127.0.0.1:${port}`)

  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  assert.deepEqual(await answer.json(), failure)
  server.close()
  server.closeAllConnections()
})

test('a caller that has gone is told nothing', () => {
  const calls: string[] = []
  const gone = {
    destroyed: true,
    writeHead: () => calls.push('head'),
    end: () => calls.push('end'),
  }

  answerFailure(gone as never, regionFailure('internal'))

  assert.deepEqual(calls, [])
})
