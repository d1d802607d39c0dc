import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRegionFailure } from '#wire/error-codes.ts'
import { FRAME_PAYLOAD_BYTES_MAX } from '#wire/frames.ts'
import { encodeLargeBody, LARGE_BODY_HEADER } from '#wire/large-body.ts'
import { interactiveSubject } from '#wire/subjects.ts'
import { encodeWorkMessageHead } from '#wire/work-message.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { Answer } from '../../test/support/scripted-ollama.ts'
import { startWorkerRegion } from '../../test/support/worker-region.ts'
import type { NatsMessage } from '../nats-connection.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { parseWorkerConfig } from './config.ts'
import { ModelFacts } from './model-facts.ts'
import type { OllamaEnd } from './ollama-client.ts'
import { type RunWorkParts, runWork } from './run-work.ts'
import { Slots } from './slots.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

test('a chat is started, passed on line by line and done, its bytes untouched', async () => {
  const lines = [
    '{"message":{"content":"Gr\\u00fc\\u00df"},"done":false}\n',
    `${JSON.stringify({ message: { content: 'ße 👋' }, done: false })}\n`,
    '{"message":{"content":""},"done":true,"eval_count":2}\n',
  ]
  await using region = await startWorkerRegion((call) => {
    call.write(lines.join(''))
    call.end()
  })
  const attempt = region.ingress.publish({ body: '{"model":"m","stream":true}' })

  const end = await attempt.end()

  assert.deepEqual(attempt.types(), ['started', 'delta', 'done'])
  assert.deepEqual(JSON.parse(attempt.frames[0]?.payload.toString() ?? ''), {
    worker: region.worker.id,
  })
  assert.equal(attempt.text(), lines.join(''))
  assert.equal(end.payload.toString(), lines[2])
  assert.deepEqual(
    attempt.frames.map(({ sequence }) => sequence),
    [1, 2, 3],
  )
  assert.equal(region.ollama.calls[0]?.body.toString(), '{"model":"m","stream":true}')
})

test('the message is acknowledged before Ollama has said anything', async () => {
  await using region = await startWorkerRegion(() => undefined)
  const attempt = region.ingress.publish()
  await attempt.frame('started')

  const { seq } = JSON.parse(attempt.receipt)
  await eventually('it is gone from the stream', () => attempt.receipt)
  assert.equal(await region.ingress.nats.deleteMessage('INTERACTIVE', seq), false)
})

test('an embedding over the size of a frame comes in parts that make up the answer', async () => {
  const answer = JSON.stringify({ embeddings: [Array.from({ length: 400_000 }, (_, at) => at)] })
  await using region = await startWorkerRegion((call) => call.status(200, answer))
  const attempt = region.ingress.publish({ kind: 'embed' })

  await attempt.end()

  assert.deepEqual(attempt.types(), ['started', 'delta', 'delta', 'done'])
  assert.equal(attempt.text(), answer)
  assert.ok(attempt.frames.every(({ payload }) => payload.length <= FRAME_PAYLOAD_BYTES_MAX))
  assert.equal(region.ollama.calls[0]?.path, '/api/embed')
})

for (const [situation, answer, code, workStarted] of [
  [
    'an unknown model',
    (call) => call.status(404, { error: "model 'm' not found" }),
    'model-missing',
    'no',
  ],
  ['a busy Ollama', (call) => call.status(503, { error: 'server busy' }), 'ollama-busy', 'no'],
  [
    'an error line',
    (call) => {
      call.say('one')
      call.write({ error: 'an error' })
    },
    'ollama-failed',
    'yes',
  ],
  [
    'an end without its last line',
    (call) => {
      call.say('one')
      call.end()
    },
    'ollama-failed',
    'yes',
  ],
  ['a cut connection', (call) => call.reset(), 'ollama-unreachable', 'unknown'],
] as const satisfies readonly (readonly [string, Answer, string, string])[]) {
  test(`${situation} ends the attempt as ${code}, and the slot is free again`, async () => {
    await using region = await startWorkerRegion(answer, { env: { WORKER_SLOTS: '1' } })
    const attempt = region.ingress.publish()

    const failure = decodeRegionFailure((await attempt.end()).payload.toString())

    assert.deepEqual([failure.code, failure.workStarted], [code, workStarted])
    region.ollama.answer = (call) => call.done()
    assert.equal((await region.ingress.publish().end()).type, 'done')
  })
}

test('a request that Ollama refuses brings back its status and its text', async () => {
  await using region = await startWorkerRegion((call) => call.status(400, { error: 'bad option' }))

  const end = await region.ingress.publish().end()

  assert.deepEqual(JSON.parse(end.payload.toString()), {
    code: 'request-refused',
    workStarted: 'yes',
    fault: 'request',
    status: 400,
    message: 'bad option',
  })
})

test('a request that is refused before its prefill gives its slot back at once', async () => {
  await using region = await startWorkerRegion((call) => call.done(), {
    env: { WORKER_SLOTS: '1' },
  })
  await region.ingress.publish().end() // Now the model is resident, and a prefill can be estimated.
  region.ollama.answer = (call) => call.status(400, { error: 'bad option' })
  await region.ingress.publish({ body: 'x'.repeat(500_000) }).end() // More than 30 s of prefill.

  region.ollama.answer = (call) => call.done()

  assert.equal((await region.ingress.publish().end()).type, 'done')
})

test('a model that Ollama does not know any more is gone from the next heartbeat', async () => {
  await using region = await startWorkerRegion(
    (call) => call.status(404, { error: "model 'm' not found" }),
    { ollama: { models: ['m:latest', 'other:latest'] } },
  )
  region.ollama.models = ['other:latest']

  await region.ingress.publish().end()

  await eventually('the heartbeat names the new models', () => {
    const models = region.ingress.heartbeats.at(-1)?.models ?? {}
    return Object.keys(models).join() === 'other:latest'
  })
})

test('a message that can never be run is dropped for good', async () => {
  await using region = await startWorkerRegion((call) => call.done())
  region.ingress.nats.publish(interactiveSubject('cpu'), '{}', {
    headers: [['meridian-kind', 'x']],
  })

  await eventually('it is dropped', () => region.ingress.heartbeats.at(-1)?.processed === 1)
  const attempt = region.ingress.publish()
  await attempt.end()
  assert.equal(region.ollama.calls.length, 1)
  assert.equal(await region.metric('meridian_worker_work_total', { code: 'malformed' }), 1)
})

test('a large body is fetched before the start, and reaches Ollama whole', async () => {
  await using region = await startWorkerRegion((call) => call.done())
  const subject = `_INBOX.ingress.${region.ingress.id}.body.${'a'.repeat(32)}`
  region.ingress.nats.subscribe(subject, ({ data, reply }) => {
    region.ingress.nats.publish(reply, `part ${Buffer.from(data)};`)
  })
  const header = [LARGE_BODY_HEADER, encodeLargeBody({ parts: 2, subject })] as const

  const end = await region.ingress.publish({ body: '', headers: [header] }).end()

  assert.equal(end.type, 'done')
  assert.equal(region.ollama.calls[0]?.body.toString(), 'part 0;part 1;')
})

test('a large body that is gone is work that nobody waits for', async () => {
  await using region = await startWorkerRegion((call) => call.done())
  const subject = `_INBOX.ingress.${region.ingress.id}.body.${'a'.repeat(32)}`
  const header = [LARGE_BODY_HEADER, encodeLargeBody({ parts: 1, subject })] as const
  const attempt = region.ingress.publish({ body: '', headers: [header] })

  await eventually('it has ended', () => region.ingress.heartbeats.at(-1)?.processed === 1)

  assert.deepEqual(attempt.types(), [])
  assert.equal(region.ollama.calls.length, 0)
})

test('the trace context goes on to Ollama', async () => {
  await using region = await startWorkerRegion((call) => call.done())
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

  await region.ingress.publish({ traceparent }).end()

  assert.equal(region.ollama.calls[0]?.headers.traceparent, traceparent)
})

test('work whose acknowledgement cannot be sent is left to another worker', async () => {
  const station = startStation({ isConnected: false })

  await station.run()

  assert.equal(station.calls, 0)
  assert.equal(station.slots.free, 1)
  assert.match(await station.metrics(), /outcome="abandoned",code="not-acknowledged"/)
})

test('an attempt that runs here already is acknowledged again and not run twice', async () => {
  const station = startStation({ slots: 3 })
  const first = station.run()
  await eventually('the first one runs', () => station.calls === 1)

  await station.run()

  assert.equal(station.calls, 1)
  assert.deepEqual(
    station.published.filter((text) => text === '+ACK'),
    ['+ACK', '+ACK'],
  )
  station.running.get('req_a_1:1')?.cancel()
  await first
  assert.equal(station.slots.free, 2)
})

test('a fault of ours ends the work as internal, and the slot is free again', async () => {
  const station = startStation({
    fetchBody: () => {
      throw new TypeError('ours')
    },
  })

  await station.run()

  assert.equal(station.slots.free, 1)
  assert.match(station.published.at(-1) ?? '', /"code":"internal"/)
  assert.equal(station.log[0]?.['exception.message'], 'ours')
})

interface StationOptions {
  readonly slots?: number
  readonly isConnected?: boolean
  readonly fetchBody?: RunWorkParts['bodies']['fetch']
}

/** `runWork` with a NATS that only listens and an Ollama that says nothing until it is aborted. */
function startStation({ slots: total = 2, isConnected = true, fetchBody }: StationOptions = {}) {
  const published: string[] = []
  const lines: Record<string, unknown>[] = []
  const slots = new Slots(total)
  slots.take() // So that "all free again" cannot be mistaken for "never taken".
  const registry = createMetrics('worker')
  const out = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const running: RunWorkParts['running'] = new Map()
  let calls = 0
  const publish = (_subject: string, data: Uint8Array | string): boolean => {
    if (isConnected) published.push(Buffer.from(data).toString())
    return isConnected
  }
  const parts: RunWorkParts = {
    outbox: { publish, publishSoon: publish, atTurnEnd: () => undefined },
    workerId: 'w1',
    facts: new ModelFacts({ queues: ['cpu'], modelQueues: new Map() }),
    limits: parseWorkerConfig({ REGION_ID: 'eu-test' }).limits,
    log: createLog({ role: 'worker', region: 'eu-test', id: 'w1', level: 'error', out }),
    metrics: createWorkerMetrics(registry, slots),
    ollama: {
      call: () => {
        calls += 1
        const { promise: ended, resolve } = Promise.withResolvers<OllamaEnd>()
        const abort = (): void => resolve({ kind: 'aborted' })
        return { ended, abort, pause: abort, resume: abort, quiet: () => Promise.resolve() }
      },
    },
    bodies: {
      fetch: fetchBody ?? (() => Promise.resolve({ kind: 'body', body: Buffer.from('{}') })),
    },
    running,
    onDoubt: () => undefined,
    onFreeSlot: () => undefined,
  }
  return {
    published,
    slots,
    running,
    get calls() {
      return calls
    },
    log: lines,
    metrics: () => registry.text(),
    run: () => {
      const slot = slots.take() ?? assert.fail('no slot is free')
      return runWork(parts, MESSAGE, slot)
    },
  }
}

const HEADERS = new Map(
  encodeWorkMessageHead(
    {
      requestId: 'req_a_1',
      attempt: 1,
      kind: 'chat',
      model: 'm',
      deadlineMs: 60_000,
      queueDeadlineMs: 30_000,
      priority: 'standard',
      hop: 0,
    },
    `_INBOX.ingress.i.${'0'.repeat(32)}`,
  ),
)

const MESSAGE: NatsMessage = {
  subject: interactiveSubject('cpu'),
  data: Buffer.from('{}'),
  reply: '$JS.ACK',
  status: 0,
  header: (name) => HEADERS.get(name) ?? '',
}
