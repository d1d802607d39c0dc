// Goal: a region that dies at once, with everything in it, costs no client an error, and its
// clients go home when it is back. Method: SIGKILL to the real processes of the region nearest to
// the client, while clients ask without a pause; the launcher starts them again, as a supervisor
// does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type StartedSystem, type SystemAnswer, startSystem } from '../support/started-system.ts'

const EUROPE = '2.2.2.2'
const CLIENTS = 4

test('a region killed under load costs no error, and serves again when it is back', async () => {
  await using system = await startSystem()
  const before = await system.ask(EUROPE, 'Hello')
  const { nats, ingress, workers } = system.region('eu-central')

  const asking = askUntilHome(system)
  for (const { pid } of [nats, ingress, ...workers]) process.kill(pid, 'SIGKILL')
  const answers = await asking

  assert.equal(before.region, 'eu-central')
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  )
  assert.ok(answers.some(({ region }) => region === 'us-east'))
  assert.ok(answers.slice(-CLIENTS).some(({ region }) => region === 'eu-central'))
})

/** Clients ask, one request after the other, until the nearest region has been away and is back. */
async function askUntilHome(system: StartedSystem): Promise<SystemAnswer[]> {
  const giveUpAt = performance.now() + 60_000
  const answers: SystemAnswer[] = []
  let wasAway = false
  let isHome = false
  const client = async (): Promise<void> => {
    while (!isHome) {
      const answer = await system.ask(EUROPE, 'Hello')
      answers.push(answer)
      if (answer.region !== 'eu-central') wasAway = true
      else if (wasAway) isHome = true
      assert.ok(performance.now() < giveUpAt, `not home: ${answers.length} answers`)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return answers
}
