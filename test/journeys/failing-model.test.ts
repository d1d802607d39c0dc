// Goal: what fails before the first content is tried elsewhere; what the request itself caused is
// not; what breaks after the first content is never passed off as a whole answer.
// Method: the nearest region's stand-in fails in each way, the others are well.

import assert from 'node:assert/strict'
import { request } from 'node:https'
import { test } from 'node:test'
import { chat, FROM, ollamaChat, startWorld, type World } from '../support/start-world.ts'

/** Here everything fails: without a budget for it retries would soon be refused. */
const WORLD = {
  regions: ['eu-central', 'us-east'],
  gatewayEnv: { GATEWAY_RETRY_FLOOR: '1000' },
} as const
const BEFORE_CONTENT = ['status=500', 'reset-after=0', 'end-after=0', 'error-after=0', 'html']

test('a model server that fails', async (t) => {
  await using world = await startWorld(WORLD)

  for (const fault of BEFORE_CONTENT) {
    await t.test(`before content (${fault}): the next region answers`, async () => {
      await breakNearest(world, fault)

      const answer = await world.ask('/v1/chat/completions', {
        from: FROM.europe,
        body: chat('Hello', { stream: true }),
      })

      assert.equal(answer.status, 200)
      assert.equal(answer.headers['x-meridian-region'], 'us-east')
      assert.equal(answer.headers['x-meridian-attempts'], '2')
      assert.match(answer.text, /w20/)
    })
  }

  for (const fault of ['reset-after=7', 'end-after=7', 'error-after=7', 'malformed-after=7']) {
    await t.test(`in a buffered answer (${fault}): the next region answers it whole`, async () => {
      await breakNearest(world, fault)

      const answer = await world.ask('/api/chat', { from: FROM.europe, body: ollamaChat('Hello') })

      assert.equal(answer.status, 200)
      assert.equal(answer.headers['x-meridian-region'], 'us-east')
      assert.match(answer.text, /"w1 w2 w3.* w20"/)
    })
  }

  await t.test(
    'after content: an error frame and a cut connection, no end that looks well',
    async () => {
      await breakNearest(world, 'reset-after=7,token-delay-ms=5')

      const openai = await readUntilCut(
        world,
        '/v1/chat/completions',
        chat('Hello', { stream: true }),
      )
      await breakNearest(world, 'reset-after=7,token-delay-ms=5')
      const ollama = await readUntilCut(world, '/api/chat', ollamaChat('Hello', { stream: true }))

      assert.match(openai, /w7/)
      assert.match(
        openai,
        /data: \{"error":\{"message":".*","type":"server_error".*"stream_interrupted"/,
      )
      assert.doesNotMatch(openai, /\[DONE\]/)
      assert.match(ollama, /\{"error":".*"\}\n$/)
      assert.doesNotMatch(ollama, /"done":true/)
    },
  )

  await t.test(
    'with a 4xx: its status and its words reach the client, and no other region is asked',
    async () => {
      await breakNearest(world, 'status=400')

      const answer = await world.ask('/api/chat', { from: FROM.europe, body: ollamaChat('Hello') })

      assert.equal(answer.status, 400)
      assert.match(answer.text, /^\{"error":".+"\}$/)
      assert.equal(answer.headers['x-should-retry'], 'false')
    },
  )
})

/** Harms the next request that the nearest region's model server gets. */
async function breakNearest(world: World, faults: string): Promise<void> {
  await world.region('eu-central').standIn.control.apply({ faults: [{ faults, times: 1 }] })
}

async function readUntilCut(world: World, path: string, body: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(`${world.url}${path}`, {
      method: 'POST',
      ca: world.ca,
      agent: false,
      headers: { 'x-forwarded-for': FROM.europe, 'content-type': 'application/json' },
    })
    call.on('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece) => {
        text += piece
      })
      answer.on('end', () => reject(new Error('it ended as if it were whole')))
      answer.on('error', () => resolve(text)) // `aborted`: the connection was cut.
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}
