// Goal: SIGTERM to any process of the path ends it warmly: what runs is finished, nothing is lost.
// Method: the real processes and the real signal, in the middle of a streamed answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startSystem } from '../support/started-system.ts'

const EUROPE = '2.2.2.2'
/** An answer of 40 words in two seconds. */
const SLOW = 'Hello [[stand-in:tokens=40,token-delay-ms=50]]'

for (const role of ['worker', 'ingress', 'gateway'] as const) {
  test(`a ${role} that is told to end finishes the answer that runs`, async () => {
    await using system = await startSystem(['--regions=eu-central,us-east', '--workers=1'])
    const region = system.region('eu-central')
    const pid = { worker: region.workers[0]?.pid, ingress: region.ingress.pid }
    const running = system.ask(EUROPE, SLOW, { stream: true })
    await busySlot(system.started.gateway.adminUrl)

    process.kill(role === 'gateway' ? system.started.gateway.pid : Number(pid[role]), 'SIGTERM')
    const answer = await running

    assert.equal(answer.status, 200)
    assert.equal(answer.region, 'eu-central')
    assert.match(answer.text, /w40[\s\S]*data: \[DONE\]\n\n$/)
  })
}

/** Waits until the nearest region reports that it is at work. */
async function busySlot(adminUrl: string): Promise<void> {
  await eventually('a slot is busy', async () => {
    const { regions } = (await (await fetch(`${adminUrl}/admin/regions`)).json()) as {
      regions: { id: string; queues: Record<string, { busy: number }> }[]
    }
    return regions.find(({ id }) => id === 'eu-central')?.queues.cpu?.busy === 1
  })
}
