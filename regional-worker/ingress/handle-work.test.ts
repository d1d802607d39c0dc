// Goal: every way that a piece of work can take through an ingress, and what each side sees of it.
// Method: a real nats-server and a real ingress; the worker and the gateway are scripted.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { decodeRegionFailure, REGION_ERRORS } from '#wire/error-codes.ts'
import type { Frame } from '#wire/frames.ts'
import { encodeWorkHead } from '#wire/region-api.ts'
import { startBareRegion } from '../../test/support/bare-region.ts'
import { eventually } from '../../test/support/eventually.ts'
import { workHead } from '../../test/support/region-caller.ts'
import { startScriptedWorker } from '../../test/support/scripted-worker.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { handleWork, type WorkDeps } from './handle-work.ts'
import { WorkJournal } from './work-journal.ts'

const textOf = (frames: readonly Frame[]): string =>
  frames
    .filter(({ type }) => type === 'delta' || type === 'done')
    .map(({ payload }) => payload.toString())
    .join('')

test('work that a worker runs to its end is answered by all its frames, untouched', async () => {
  await using region = await startBareRegion()
  const { gateway, worker } = region

  const call = gateway.work({ kind: 'generate', priority: 'critical' }, '{"prompt":"Hallo"}')
  const work = await worker.pull()
  work.start()
  work.say('alive', '{"phase":"prefill"}')
  work.say('delta', '{"response":"Ha"}\n{"response":"llo"}\n')
  work.say('done', '{"done":true}\n')
  const answer = await call.end()

  assert.equal(work.message.data.length, 18)
  assert.equal(work.head.kind, 'generate')
  assert.equal(work.head.priority, 'critical')
  assert.ok(work.head.deadlineMs <= 60_000 && work.head.deadlineMs > 50_000)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['meridian-worker'], 'w1')
  assert.deepEqual(
    answer.frames.map(({ type }) => type),
    ['started', 'alive', 'delta', 'done'],
  )
  assert.equal(textOf(answer.frames), '{"response":"Ha"}\n{"response":"llo"}\n{"done":true}\n')
  assert.equal(answer.isCut, false)
  assert.equal(await region.metric('meridian_ingress_work_total', { outcome: 'done' }), 1)
  assert.equal(await region.metric('meridian_ingress_in_flight'), 0)
})

test('a gateway hears 102 when the queue has its work and again while it waits there', async () => {
  await using region = await startBareRegion()

  const call = region.gateway.work()
  await eventually('a first 102 came', () => call.interims === 1)
  await eventually('a second 102 came', () => call.interims === 2)
  const report = await region.gateway.report()
  const work = await region.worker.pull()
  work.start()
  await eventually('the headers came before any content', () => call.status === 200)
  work.say('done', '{}')
  await call.end()

  assert.equal(report.queues.cpu?.queued, 1)
  assert.ok((report.queues.cpu?.oldestWaitMs ?? 0) >= 900)
})

test('work whose model no healthy worker has is refused before its body is read', async () => {
  await using region = await startBareRegion()

  const { status, failure } = await region.gateway.work({ model: 'llama3:70b' }).end()

  assert.equal(status, 404)
  assert.deepEqual(failure, { code: 'model-missing', workStarted: 'no', fault: 'region' })
})

test('a queue that is full refuses with overflow while the other queue takes work', async () => {
  await using region = await startBareRegion({
    worker: { models: { cpu: ['qwen3:latest'], gpu: ['qwen3:14b'] }, slots: 1 },
  })
  const { gateway } = region
  region.worker.beat({ busy: 1 })
  await eventually('the ingress knows that the slot is taken', async () => {
    return (await gateway.report()).queues.cpu?.busy === 1
  })
  const waiting = Array.from({ length: 8 }, () => gateway.work({ priority: 'critical' }))
  await eventually('all wait', () => waiting.every(({ interims }) => interims > 0))

  const refused = await gateway.work({ priority: 'critical' }).end()
  const other = gateway.work({ model: 'qwen3:14b' })
  const work = await region.worker.pull('gpu')
  work.start()
  work.say('done', '{}')

  assert.equal(refused.status, 503)
  assert.deepEqual(refused.failure, { code: 'overflow', workStarted: 'no', fault: 'region' })
  assert.equal((await other.end()).status, 200)
})

test('work that the stream itself refuses as one too many is an overflow too', async () => {
  await using region = await startBareRegion({ env: { INGRESS_QUEUE_MESSAGES_MAX: '1' } })
  const { gateway } = region
  const first = gateway.work()
  await eventually('the first waits', () => first.interims > 0)

  // Two slots are free, so the ingress lets it pass to where one message is the limit.
  const refused = await gateway.work().end()

  assert.deepEqual(refused.failure, { code: 'overflow', workStarted: 'no', fault: 'region' })
  assert.equal((await gateway.report()).accepts.interactive, true)
})

test('an attempt that JetStream knows already is not run a second time', async () => {
  await using region = await startBareRegion()
  const requestId = 'req_test_00000000000000000000beef'
  const first = region.gateway.work({ requestId })
  await eventually('the first waits', () => first.interims > 0)

  const second = await region.gateway.work({ requestId }).end()

  assert.equal(second.status, 504)
  assert.deepEqual(second.failure, { code: 'no-answer', workStarted: 'unknown', fault: 'region' })
  assert.equal(first.status, undefined)
})

test('work whose caller leaves while it waits is withdrawn, and no worker sees it', async () => {
  await using region = await startBareRegion()
  const left = region.gateway.work()
  await eventually('it waits', () => left.interims > 0)

  left.leave()
  await eventually('its place is free', async () => {
    return (await region.gateway.report()).queues.cpu?.queued === 0
  })
  await eventually('nothing is in flight', async () => {
    return (await region.metric('meridian_ingress_in_flight')) === 0
  })
  const next = region.gateway.work({ kind: 'embed' })
  const work = await region.worker.pull()
  work.start()
  work.say('done', '{}')
  await next.end()

  assert.equal(work.head.kind, 'embed')
  assert.equal(await region.metric('meridian_ingress_work_total', { code: 'cancelled' }), 1)
})

test('a worker that starts what was withdrawn in its hands is cancelled', async () => {
  await using region = await startBareRegion()
  const left = region.gateway.work()
  const work = await region.worker.pull() // Pulled and not acknowledged: deleting it succeeds.

  left.leave()
  await eventually('its place is free', async () => {
    return (await region.gateway.report()).queues.cpu?.queued === 0
  })
  work.start()

  await eventually('it is cancelled', () => region.worker.commands.length > 0)
  assert.deepEqual(region.worker.commands, [{ command: 'cancel', workId: work.workId }])
})

test('work whose caller leaves while a worker runs it is cancelled there', async () => {
  await using region = await startBareRegion()
  const call = region.gateway.work()
  const work = await region.worker.pull()
  work.start()
  work.say('delta', '{}\n')
  await eventually('content came', () => call.frames.length === 2)

  call.leave()

  await eventually('it is cancelled', () => region.worker.commands.length > 0)
  assert.deepEqual(region.worker.commands, [{ command: 'cancel', workId: work.workId }])
  await eventually('nothing runs', async () => {
    return (await region.metric('meridian_ingress_work', { state: 'running' })) === 0
  })
})

test('work whose caller leaves in the middle of its body is never published', async () => {
  await using region = await startBareRegion()
  const call = region.gateway.work({}, null)
  call.request.write('{"half":')
  await eventually('it has a place', async () => {
    return (await region.gateway.report()).queues.cpu?.queued === 1
  })

  call.leave()

  await eventually('its place is free', async () => {
    return (await region.gateway.report()).queues.cpu?.queued === 0
  })
  assert.equal(await region.metric('meridian_ingress_withdrawn_total'), 0)
})

test('a body that does not fit into a message is fetched by the worker', async () => {
  await using region = await startBareRegion()
  const body = Buffer.alloc(3 * 524_288 + 7, '0123456789abcdef')
  const call = region.gateway.work({}, body)
  const work = await region.worker.pull()
  work.ack()

  const fetched = await work.body()
  work.say('started', '{"worker":"w1"}')
  await eventually('it runs', () => call.status === 200)
  const afterStart = await work.body()
  work.say('done', '{}')
  await call.end()

  assert.equal(work.message.data.length, 0)
  assert.ok(fetched.equals(body))
  assert.equal(afterStart.length, 0)
  assert.equal(await region.metric('meridian_ingress_limit_ratio', { limit: 'bodies' }), 0)
})

test('a body over the limit is refused, declared or not, and leaves no place taken', async () => {
  await using region = await startBareRegion({ env: { INGRESS_BODY_BYTES_MAX: '1000' } })
  const declared = await region.gateway.work({}, Buffer.alloc(1001, 'x')).end()
  const call = region.gateway.work({}, null)
  call.request.end(Buffer.alloc(1001, 'x')) // Chunked: its size is known at its end only.

  const undeclared = await call.end()

  for (const { status, failure } of [declared, undeclared]) {
    assert.equal(status, 413)
    assert.deepEqual(failure, { code: 'too-large', workStarted: 'no', fault: 'request' })
  }
  assert.equal((await region.gateway.report()).queues.cpu?.queued, 0)
})

test('work that nobody starts before its queue deadline is withdrawn as not started', async () => {
  await using region = await startBareRegion()

  const answer = await region.gateway.work({ queueDeadlineMs: 200 }).end()

  assert.equal(answer.status, 504)
  assert.deepEqual(answer.failure, { code: 'deadline', workStarted: 'no', fault: 'request' })
})

test('work that was acknowledged and not started has an unknown fate at its deadline', async () => {
  await using region = await startBareRegion()
  const call = region.gateway.work({ queueDeadlineMs: 400 })
  const work = await region.worker.pull()
  work.ack()

  const answer = await call.end()
  work.say('started', '{"worker":"w1"}')

  assert.equal(answer.failure?.code, 'deadline')
  assert.equal(answer.failure?.workStarted, 'unknown')
  await eventually('the late start is cancelled', () => region.worker.commands.length === 1)
})

test('work that a worker gives up before its start is answered by a status', async () => {
  await using region = await startBareRegion()
  const call = region.gateway.work()
  const work = await region.worker.pull()
  work.ack()
  work.say('failed', '{"code":"ollama-busy","message":"busy"}')

  const answer = await call.end()

  assert.equal(answer.status, 503)
  assert.deepEqual(answer.failure, {
    code: 'ollama-busy',
    workStarted: 'no',
    fault: 'region',
    message: 'busy',
  })
})

test('a failure that a worker reports after its start is passed on as it came', async () => {
  await using region = await startBareRegion()
  const call = region.gateway.work()
  const work = await region.worker.pull()
  const words = '{"code":"a-code-of-tomorrow","workStarted":"yes","fault":"region","more":1}'
  work.start()
  work.say('failed', words)

  const answer = await call.end()

  assert.equal(answer.frames.at(-1)?.payload.toString(), words)
  assert.equal(answer.failure?.code, 'internal')
  assert.equal(await region.metric('meridian_ingress_work_total', { outcome: 'failed' }), 1)
})

for (const { situation, sequences } of [
  { situation: 'leaves a frame out', sequences: [2, 4] },
  { situation: 'repeats a frame', sequences: [2, 2] },
]) {
  test(`a worker that ${situation} is lost: its answer ends there, it is cancelled`, async () => {
    await using region = await startBareRegion()
    const call = region.gateway.work()
    const work = await region.worker.pull()
    work.start()
    for (const sequence of sequences) work.sayAs(sequence, 'delta', `{"number":${sequence}}\n`)

    const answer = await call.end()

    assert.deepEqual(
      answer.frames.map(({ type, sequence }) => [type, sequence]),
      [
        ['started', 1],
        ['delta', 2],
        ['failed', 3],
      ],
    )
    assert.equal(answer.fault, undefined)
    assert.deepEqual(answer.failure, { code: 'worker-lost', workStarted: 'yes', fault: 'region' })
    await eventually('it is cancelled', () => region.worker.commands.length === 1)
  })
}

test('a worker that falls silent is lost, and one that says alive is not', async () => {
  await using region = await startBareRegion({ env: { INGRESS_WORKER_SILENCE_MS: '500' } })
  const silent = region.gateway.work()
  const silentWork = await region.worker.pull()
  silentWork.start()
  const alive = region.gateway.work()
  const aliveWork = await region.worker.pull()
  aliveWork.start()
  const breath = setInterval(() => aliveWork.say('alive', '{"phase":"loading"}'), 100)

  const answer = await silent.end()
  clearInterval(breath)
  aliveWork.say('done', '{}')

  assert.equal(answer.failure?.code, 'worker-lost')
  assert.equal((await alive.end()).failure, undefined)
})

test('the first of two workers that start the same work keeps it', async () => {
  await using region = await startBareRegion()
  const call = region.gateway.work()
  const work = await region.worker.pull()
  work.start()
  await using rival = await startScriptedWorker({ natsUrl: region.nats.url, id: 'w2' })

  work.sayAs(1, 'started', '{"worker":"w2"}')
  await eventually('the rival is cancelled', () => rival.commands.length === 1)
  work.say('delta', '{"first":true}\n')
  work.say('done', '{}')
  const answer = await call.end()

  assert.equal(answer.headers['meridian-worker'], 'w1')
  assert.equal(textOf(answer.frames), '{"first":true}\n{}')
  assert.deepEqual(rival.commands, [{ command: 'cancel', workId: work.workId }])
  assert.deepEqual(region.worker.commands, [])
})

test('a reader that stops reading pauses its worker, and reading on resumes it', async () => {
  await using region = await startBareRegion()
  const { worker, gateway } = region
  const call = gateway.work()
  const work = await worker.pull()
  work.start()
  await eventually('it runs', () => call.status === 200)
  call.stopReading()
  const line = Buffer.alloc(200_000, 'x')
  let sent = 0

  await eventually('the worker is paused', () => {
    if (sent < 200) work.say('delta', line)
    sent += 1
    return worker.commands.some(({ command }) => command === 'pause')
  })
  call.readOn()
  await eventually('the worker is resumed', () => worker.commands.at(-1)?.command === 'resume')
  work.say('done', '{}')
  const answer = await call.end()

  assert.ok(worker.commands.every(({ workId }) => workId === work.workId))
  assert.equal(answer.failure, undefined)
  assert.equal(answer.frames.filter(({ type }) => type === 'delta').length, sent)
  assert.ok((await region.metric('meridian_ingress_pauses_total')) >= 1)
})

test('a reader that lets more wait than its limit is given up, its worker cancelled', async () => {
  await using region = await startBareRegion({ env: { INGRESS_READER_BYTES_MAX: '1000000' } })
  const { worker, gateway } = region
  const call = gateway.work()
  const work = await worker.pull()
  work.start()
  await eventually('it runs', () => call.status === 200)
  call.stopReading()
  const line = Buffer.alloc(200_000, 'x')

  await eventually('the worker, which does not heed the pause, is cancelled', () => {
    work.say('delta', line)
    return worker.commands.at(-1)?.command === 'cancel'
  })
  call.readOn()

  const { failure, fault } = await call.end()
  assert.equal(fault, undefined)
  assert.deepEqual(failure, { code: 'slow-reader', workStarted: 'yes', fault: 'request' })
})

for (const [header, value, code] of [
  ['meridian-wire', '7-9', 'version'],
  ['meridian-wire', 'one', 'bad-call'],
  ['meridian-request-id', 'req_x', 'bad-call'],
  ['meridian-attempt', '0', 'bad-call'],
  ['meridian-kind', 'pull', 'bad-call'],
  ['meridian-model', '%', 'bad-call'],
  ['meridian-deadline-ms', '-1', 'bad-call'],
  ['meridian-queue-deadline-ms', '1e9', 'bad-call'],
  ['meridian-priority', 'urgent', 'bad-call'],
  ['meridian-hop', '2', 'bad-call'],
  ['meridian-affinity', 'x', 'bad-call'],
] as const) {
  test(`a head whose ${header} is ${value} is refused as ${code}`, async () => {
    await using region = await startBareRegion()
    const headers = encodeWorkHead(workHead({ affinity: '0123456789abcdef' }))
    headers[headers.indexOf(header) + 1] = value

    const { status, text } = await region.gateway.send('POST', '/work', headers, '{}')

    const failure = decodeRegionFailure(text)
    assert.equal(failure.code, code)
    assert.equal(status, REGION_ERRORS[code].status)
    assert.equal(failure.message, code === 'version' ? undefined : `header ${header}`)
  })
}

test('a mistake of ours ends one piece of work as internal, and is written down', async () => {
  const lines: string[] = []
  const out = { write: (line: string) => void lines.push(line) }
  const log = createLog({ role: 'ingress', region: 'r1', id: 'i1', level: 'info', out })
  const journal = new WorkJournal(createMetrics('ingress'), log)
  const broken = {
    journal,
    admissionFacts() {
      throw new TypeError('x is undefined')
    },
  } as unknown as WorkDeps
  const server = createServer((request, response) => void handleWork(broken, request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const sent = request({
    port,
    method: 'POST',
    headers: ['host', 'x', ...encodeWorkHead(workHead())],
  })

  sent.end('{}')
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  server.close()

  assert.equal(answer.statusCode, 500)
  assert.equal(journal.inFlight, 0)
  assert.match(lines.join(), /work failed by our mistake/)
})
