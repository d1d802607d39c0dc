import assert from 'node:assert/strict'
import { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { regionFailure } from '#wire/error-codes.ts'
import { encodeFrame } from '#wire/frames.ts'
import { workHead } from '../../test/support/region-caller.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { Attempt } from './attempt.ts'
import { Relay } from './relay.ts'
import { WorkFailed } from './work-failed.ts'
import { WorkJournal } from './work-journal.ts'

function bench() {
  const lines: Record<string, unknown>[] = []
  const write = (line: string): void => void lines.push(JSON.parse(line))
  const metrics = createMetrics('ingress')
  const log = createLog({ role: 'ingress', region: 'r1', id: 'i1', level: 'debug', out: { write } })
  const request = { method: 'POST', httpVersionMajor: 1, httpVersionMinor: 1 }
  const relay = new Relay(new ServerResponse(request as never), 1_000)
  const head = workHead()
  return {
    lines,
    relay,
    head,
    attempt: new Attempt('token', head, 'cpu', relay, 0),
    journal: new WorkJournal(metrics, log),
    async metric(line: string): Promise<boolean> {
      return (await metrics.text()).includes(line)
    },
  }
}

test('work that ended well is counted with its frames and leaves no line', async () => {
  const { journal, relay, head, attempt, lines, metric } = bench()
  relay.begin('w1', encodeFrame('started', 1, ''))
  attempt.started('w1', 20)

  journal.begin()
  journal.started('cpu', 20)
  journal.end({ head, attempt, relay })

  assert.ok(
    await metric('meridian_ingress_work_total{outcome="done",code="none",role="ingress"} 1'),
  )
  assert.ok(await metric('meridian_ingress_frames_total{role="ingress"} 1'))
  assert.ok(await metric('meridian_ingress_frame_bytes_total{role="ingress"} 9'))
  assert.ok(
    await metric('meridian_ingress_queue_wait_seconds_sum{role="ingress",queue="cpu"} 0.02'),
  )
  assert.deepEqual(lines, [])
})

for (const { situation, code, isStarted, outcome, level } of [
  {
    situation: 'was refused',
    code: 'overflow',
    isStarted: false,
    outcome: 'refused',
    level: 'debug',
  },
  {
    situation: 'nobody answered for',
    code: 'no-answer',
    isStarted: false,
    outcome: 'refused',
    level: 'warn',
  },
  { situation: 'broke', code: 'worker-lost', isStarted: true, outcome: 'failed', level: 'warn' },
  {
    situation: 'was left',
    code: 'cancelled',
    isStarted: true,
    outcome: 'cancelled',
    level: 'debug',
  },
  {
    situation: 'was not read',
    code: 'slow-reader',
    isStarted: true,
    outcome: 'cancelled',
    level: 'debug',
  },
] as const) {
  test(`work that ${situation} is ${outcome}, with one line at ${level}`, async () => {
    const { journal, relay, head, attempt, lines, metric } = bench()
    if (isStarted) attempt.started('w1', 20)

    journal.begin()
    journal.end({ head, attempt, relay, failed: new WorkFailed(regionFailure(code)) })

    const labels = `outcome="${outcome}",code="${code}"`
    assert.ok(await metric(`meridian_ingress_work_total{${labels},role="ingress"} 1`))
    assert.equal(lines.length, 1)
    assert.equal(lines[0]?.level, level)
    assert.equal(lines[0]?.['meridian.request_id'], head.requestId)
    assert.equal(lines[0]?.['meridian.code'], code)
    assert.equal(lines[0]?.['meridian.worker'], isStarted ? 'w1' : undefined)
  })
}

test('a mistake of ours is an error with its stack', () => {
  const { journal, relay, lines } = bench()
  const mistake = new TypeError('x is undefined')

  journal.begin()
  journal.end({ relay, failed: new WorkFailed(regionFailure('internal')), mistake })

  assert.equal(lines[0]?.level, 'error')
  assert.equal(lines[0]?.['exception.message'], 'x is undefined')
})

test('whoever waits for idleness is let go when the last work has ended', async () => {
  const { journal, relay } = bench()
  await journal.untilIdle()
  journal.begin()
  journal.begin()
  let isIdle = false
  const idle = journal.untilIdle().then(() => {
    isIdle = true
  })

  journal.end({ relay })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isIdle, false)
  assert.equal(journal.inFlight, 1)
  journal.end({ relay })

  await idle
})
