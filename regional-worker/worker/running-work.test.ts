import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRegionFailure } from '#wire/error-codes.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startWorkerRegion } from '../../test/support/worker-region.ts'

// Goal: what running work does at its limits and when it is told something, seen from both ends.
// Method: a real worker with short limits; the scripted Ollama says when its connection closes.

test('a generation that falls silent ends as ollama-silent, and Ollama is let go', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'), {
    env: { WORKER_SILENCE_LIMIT_MS: '300' },
  })
  const attempt = region.ingress.publish()

  assert.equal(codeOf(await attempt.end()), 'ollama-silent')
  await region.ollama.calls[0]?.closed
  assert.deepEqual(attempt.types(), ['started', 'delta', 'failed'])
})

test('a model that may be loading has the time of a load for its first output', async () => {
  await using region = await startWorkerRegion(() => undefined, {
    env: { WORKER_FIRST_OUTPUT_LIMIT_MS: '100', WORKER_LOAD_LIMIT_MS: '1500' },
  })
  const attempt = region.ingress.publish()

  const alive = await attempt.frame('alive')
  assert.equal(JSON.parse(alive.payload.toString()).phase, 'loading')
  assert.equal(codeOf(await attempt.end()), 'ollama-silent')
})

test('a model that has answered once has the time of its prompt only', async () => {
  await using region = await startWorkerRegion(
    (call) => {
      if (region.ollama.calls.length === 1) call.done()
    },
    { env: { WORKER_FIRST_OUTPUT_LIMIT_MS: '100', WORKER_PREFILL_LIMIT_MS_PER_TOKEN: '0' } },
  )
  await region.ingress.publish().end()
  const attempt = region.ingress.publish()

  assert.equal(codeOf(await attempt.end()), 'ollama-silent')
})

test('an answer about a model is no proof that it is loaded', async () => {
  await using region = await startWorkerRegion(
    (call) => {
      if (call.path === '/api/show') call.status(200, { details: {} })
    },
    { env: { WORKER_FIRST_OUTPUT_LIMIT_MS: '100', WORKER_PREFILL_LIMIT_MS_PER_TOKEN: '0' } },
  )
  await region.ingress.publish({ kind: 'show' }).end()
  const attempt = region.ingress.publish()

  const alive = await attempt.frame('alive')

  assert.equal(JSON.parse(alive.payload.toString()).phase, 'loading')
  assert.equal(region.ingress.heartbeats.at(-1)?.models['m:latest']?.serviceMeanMs, undefined)
})

test('a passed deadline ends the work as started, whatever Ollama still says', async () => {
  await using region = await startWorkerRegion(async (call) => {
    while (!call.isClosed) {
      call.say('more')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
  const attempt = region.ingress.publish({ deadlineMs: 400 })

  const failure = decodeRegionFailure((await attempt.end()).payload.toString())
  assert.deepEqual([failure.code, failure.workStarted], ['deadline', 'yes'])
  await region.ollama.calls[0]?.closed
})

test('a work that is silent says each second that it lives', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'))
  const attempt = region.ingress.publish()

  const alive = await attempt.frame('alive')

  assert.equal(JSON.parse(alive.payload.toString()).phase, 'decode')
  region.ingress.command(region.worker.id, 'cancel', attempt.workId)
})

for (const [phase, tokens] of [
  ['prefill', 0],
  ['decode', 1],
] as const) {
  test(`a cancel in ${phase} closes Ollama's connection and says nothing more`, async () => {
    await using region = await startWorkerRegion((call) => {
      for (let at = 0; at < tokens; at += 1) call.say('one')
    })
    const attempt = region.ingress.publish()
    const call = await eventually('Ollama is called', () => region.ollama.calls[0])
    await eventually('it is in its phase', () => attempt.frames.length === 1 + tokens)

    region.ingress.command(region.worker.id, 'cancel', attempt.workId)

    await call.closed
    const ended = { outcome: 'cancelled' }
    await region.untilMetric('meridian_worker_work_total', ended, 1)
    assert.deepEqual(attempt.types().slice(1), tokens === 0 ? [] : ['delta'])
  })
}

test('a slot cancelled in its prefill takes work only after the estimated rest', async () => {
  await using region = await startWorkerRegion(
    (call) => {
      if (region.ollama.calls.length === 1)
        call.done({ prompt_eval_count: 1, prompt_eval_duration: 1e6 })
    },
    { env: { WORKER_SLOTS: '1' } },
  )
  await region.ingress.publish().end()
  const body = 'x'.repeat(4 * 60_000) // 60 s at 1 ms per token; the slot cools for 30 s at most.
  const cancelled = region.ingress.publish({ body })
  const call = await eventually('Ollama is called', () => region.ollama.calls[1])
  await cancelled.frame('started')

  region.ingress.command(region.worker.id, 'cancel', cancelled.workId)
  await call.closed
  await region.untilMetric('meridian_worker_slots', { state: 'cooling' }, 1)

  assert.equal(await region.metric('meridian_worker_slots', { state: 'free' }), 0)
})

test('a pause keeps Ollama from writing without blame, and resume goes on', async () => {
  const line = { text: 'x'.repeat(100_000), done: false }
  await using region = await startWorkerRegion(
    async (call) => {
      call.say('one')
      await paused.promise
      for (let at = 0; at < 200; at += 1) if (!call.write(line)) await call.drained()
      call.done()
    },
    { env: { WORKER_SILENCE_LIMIT_MS: '300' } },
  )
  const paused = Promise.withResolvers<void>()
  const attempt = region.ingress.publish()
  await attempt.frame('delta')

  region.ingress.command(region.worker.id, 'pause', attempt.workId)
  await region.untilMetric('meridian_worker_commands_total', { command: 'pause' }, 1)
  paused.resolve()
  await attempt.frame('alive') // A second later: three times the limit.
  assert.ok(attempt.text().length < 1_000_000, 'most of 20 MB is still with Ollama')

  region.ingress.command(region.worker.id, 'resume', attempt.workId)
  assert.equal((await attempt.end()).type, 'done')
  assert.equal(attempt.text().split('\n').length, 1 + 200 + 1 + 1)
})

test('an ingress that listens no more is noticed, and its generation is stopped', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'))
  const attempt = region.ingress.publish()
  await attempt.frame('delta')

  region.ingress.deafen()

  await region.ollama.calls[0]?.closed
  const ended = { outcome: 'abandoned', code: 'ingress-gone' }
  await region.untilMetric('meridian_worker_work_total', ended, 1)
})

test('frames that cannot be sent for three seconds end the generation', async () => {
  await using region = await startWorkerRegion((call) => void call.say('one'))
  await region.ingress.publish().frame('delta')

  await region.nats.stop()

  await region.ollama.calls[0]?.closed
  const ended = { outcome: 'abandoned', code: 'nats-away' }
  await region.untilMetric('meridian_worker_work_total', ended, 1)
})

function codeOf({ payload }: { readonly payload: Buffer }): string {
  return decodeRegionFailure(payload.toString()).code
}
