// Goal: whoever reads an answer can be given every kind of trouble that a model server makes.
// Method: the bytes are read from a raw socket, so that no client smooths anything over.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ask, chat, generate, MODEL, openChat, plainWords, rawChat } from './ask.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'
import { WAVE } from './words.ts'

const saying = (faults: string, extra: object = {}) => ({
  messages: [{ role: 'user', content: `Hi. [[stand-in:${faults}]]` }],
  ...extra,
})
const wordsIn = (text: string) => [...text.matchAll(/"content":"( ?w\d+)"/g)].length

test('error-after ends a stream with an error line and a clean end', async () => {
  await using standIn = await startOllamaStandIn()
  const answer = await chat(standIn.url, '[[stand-in:error-after=3,error=out%20of%20memory]]')
  assert.deepEqual([answer.status, answer.content], [200, 'w1 w2 w3'])
  assert.deepEqual(answer.last, { error: 'out of memory' })
})

test('error-after 0 is a status, as in Ollama, and so it is without streaming', async () => {
  await using standIn = await startOllamaStandIn()
  for (const extra of [{}, { stream: false }]) {
    const answer = await chat(standIn.url, '[[stand-in:error-after=0]]', extra)
    assert.equal(answer.status, 500)
    assert.match(answer.last.error ?? '', /^an error was encountered while running the model/)
  }
  const whole = await chat(standIn.url, '[[stand-in:error-after=3]]', { stream: false })
  assert.deepEqual([whole.status, whole.objects.length], [500, 1])
})

test('end-after ends cleanly without the last line', async () => {
  await using standIn = await startOllamaStandIn()
  const raw = await rawChat(standIn.url, saying('end-after=20'))
  assert.equal(raw.end, 'fin')
  assert.equal(wordsIn(raw.text), 20)
  assert.ok(!raw.text.includes('"done":true'))
  assert.ok(raw.text.endsWith('\r\n0\r\n\r\n'), 'HTTP says that this was all')
  const whole = await chat(standIn.url, '[[stand-in:end-after=3]]', { stream: false })
  assert.deepEqual([whole.content, whole.last.done], ['w1 w2 w3', false])
  assert.ok(!('eval_count' in whole.last))
})

test('cut-after closes the connection in the middle of the body', async () => {
  await using standIn = await startOllamaStandIn()
  const raw = await rawChat(standIn.url, saying('cut-after=7'))
  assert.deepEqual([raw.end, wordsIn(raw.text)], ['fin', 7])
  assert.ok(!raw.text.endsWith('0\r\n\r\n'))
  const whole = await rawChat(standIn.url, saying('cut-after=7', { stream: false }))
  assert.deepEqual([whole.end, whole.text], ['fin', ''])
})

test('reset-after resets the connection, after what came before has been read', async () => {
  await using standIn = await startOllamaStandIn()
  const raw = await rawChat(standIn.url, saying('reset-after=7'))
  assert.deepEqual([raw.end, wordsIn(raw.text)], ['reset', 7])
  const whole = await rawChat(standIn.url, saying('reset-after=7', { stream: false }))
  assert.deepEqual([whole.end, whole.text], ['reset', ''])
})

test('hang-after says nothing more until the client goes away', async () => {
  await using standIn = await startOllamaStandIn()
  const socket = openChat(standIn.url, saying('hang-after=2'))
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  await standIn.control.until(({ records }) => records[0]?.fault === 'hang')
  for (let turn = 0; turn < 20; turn += 1) await nextTurn()
  assert.equal(wordsIn(Buffer.concat(received).toString()), 2)
  assert.equal(standIn.control.state().counters.running, 1, 'its slot stays taken')
  socket.destroy()
  const { counters } = await standIn.control.until((state) => state.counters.cancelled === 1)
  assert.equal(counters.running, 0)
})

test('hang-after 0 hangs before the headers', async () => {
  await using standIn = await startOllamaStandIn()
  const socket = openChat(standIn.url, saying('hang-after=0'))
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
  })
  await standIn.control.until(({ records }) => records[0]?.fault === 'hang')
  for (let turn = 0; turn < 20; turn += 1) await nextTurn()
  assert.equal(received, 0)
  socket.destroy()
})

test('malformed-after spoils one line, and whoever skips it has lost a word', async () => {
  await using standIn = await startOllamaStandIn()
  const answer = await chat(standIn.url, '[[stand-in:malformed-after=2]]')
  assert.equal(answer.content, `w1 w2${plainWords(4, 20)}`)
  assert.equal(answer.last.done, true)
  const last = await chat(standIn.url, '[[stand-in:malformed-after=20]]')
  assert.equal(last.content, plainWords(1, 20))
  assert.equal(last.last.done, false, 'the last line is the spoilt one')
  const whole = await chat(standIn.url, '[[stand-in:malformed-after=2]]', { stream: false })
  assert.deepEqual([whole.status, whole.objects.length], [200, 0])
})

test('an answer can be broken at several places, once each', async () => {
  await using standIn = await startOllamaStandIn()
  const prompt = '<|im_start|>user\n[[stand-in:end-after=5+10]]<|im_end|>\n<|im_start|>assistant\n'
  const resume = async (soFar: string) =>
    soFar + (await generate(standIn.url, prompt + soFar, { raw: true })).content
  const first = await resume('')
  const second = await resume(first)
  assert.deepEqual([first, second], [plainWords(1, 5), plainWords(1, 10)])
  assert.equal(await resume(second), plainWords(1, 20))
})

test('big-token makes one line as big as wanted', async () => {
  await using standIn = await startOllamaStandIn()
  const { objects } = await chat(standIn.url, '[[stand-in:big-token=1048576]]')
  assert.equal(objects[0]?.message?.content.length, 1_048_576)
  assert.equal(objects[1]?.message?.content, ' w2')
})

test('split-utf8 cuts a line inside a character', async () => {
  await using standIn = await startOllamaStandIn()
  const raw = await rawChat(standIn.url, saying('split-utf8'))
  const parts = raw.chunks.filter((chunk) => chunk.toString().includes('\ufffd'))
  assert.equal(parts.length, 2, 'each part alone is broken')
  const whole = `w1 w2${WAVE}${plainWords(3, 20)}`
  assert.equal((await chat(standIn.url, '[[stand-in:split-utf8]]')).content, whole)
  assert.ok((await chat(standIn.url, '[[stand-in:split-utf8=1]]')).content.startsWith(`w1${WAVE}`))
})

test('omit-counters leaves out what was counted, as for a cached prompt', async () => {
  await using standIn = await startOllamaStandIn()
  const { last } = await chat(standIn.url, '[[stand-in:omit-counters]]')
  assert.equal(last.done, true)
  assert.ok(!('prompt_eval_count' in last) && !('eval_count' in last))
  assert.ok((last.total_duration ?? 0) > 0)
})

test('an answer without words still ends properly', async () => {
  await using standIn = await startOllamaStandIn({ tokens: 0 })
  const { objects, last } = await chat(standIn.url, 'Hi.')
  assert.deepEqual([objects.length, last.done, 'eval_count' in last], [1, true, false])
})

test('with a delay every token comes by itself and not before its time', async () => {
  await using standIn = await startOllamaStandIn({ tokenDelayMs: 15, prefillDelayMs: 30 })
  const raw = await rawChat(standIn.url, saying('tokens=5'))
  assert.ok(raw.chunks.length >= 5)
  const [record] = standIn.control.state().records
  const { startedAtMs = 0, firstTokenAtMs = 0, endedAtMs = 0, tokensSent } = record ?? {}
  assert.ok(firstTokenAtMs - startedAtMs >= 29, 'prefill')
  assert.ok(endedAtMs - firstTokenAtMs >= 59, 'four delays between five tokens')
  assert.equal(tokensSent, 5)
})

test('without a delay tokens can still be written one by one', async () => {
  await using standIn = await startOllamaStandIn({ flushEachToken: true })
  const chunked = await rawChat(standIn.url, saying('tokens=20'))
  const together = await rawChat(standIn.url, saying('tokens=20,flush-each-token=off'))
  const chunksOf = (text: string) => [...text.matchAll(/\r\n[0-9a-f]+\r\n\{/g)].length
  assert.ok(chunksOf(chunked.text) >= 20)
  assert.equal(chunksOf(together.text), 1)
})

test('a client that reads slowly holds the words back', async () => {
  await using standIn = await startOllamaStandIn()
  const socket = openChat(standIn.url, saying('tokens=100000'))
  socket.pause()
  const sent = () => standIn.control.state().records[0]?.tokensSent ?? 0
  const moved = async (from: number) => {
    const moving = standIn.control.until(() => sent() > from, 200)
    return moving.then(
      () => true,
      () => false,
    )
  }
  while (await moved(sent())); // Until the kernel's buffers are full and nothing moves any more.
  assert.ok(sent() < 100_000, `${sent()} words were taken by a client that read none`)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  socket.resume()
  await standIn.control.until(({ counters }) => counters.completed === 1)
  await new Promise((resolve) => socket.on('end', resolve))
  assert.ok(text.includes(' w99999"') && text.includes('"eval_count":100000'))
})

test('frozen in the middle an answer waits, and thawed it goes on where it was', async () => {
  await using standIn = await startOllamaStandIn({ tokenDelayMs: 5 })
  const asking = chat(standIn.url, '[[stand-in:tokens=40]]')
  await standIn.control.until(({ records }) => (records[0]?.firstTokenAtMs ?? 0) > 0)
  await standIn.control.apply({ freeze: true })
  const heldAt = standIn.control.state().records[0]?.tokensSent ?? 0
  await assert.rejects(
    standIn.control.until(({ records }) => (records[0]?.tokensSent ?? 0) > heldAt, 300),
  )
  await standIn.control.apply({ freeze: false })
  const thawedAtMs = performance.now()
  assert.equal((await asking).content, plainWords(1, 40))
  const tookMs = (standIn.control.state().records[0]?.endedAtMs ?? 0) - thawedAtMs
  assert.ok(tookMs >= (40 - heldAt - 2) * 4, `${tookMs} ms: what was missed is not made up for`)
})

test('a client that goes away while its slot is frozen gives the slot back', async () => {
  await using standIn = await startOllamaStandIn({ slots: 1 })
  const first = openChat(standIn.url, saying('hang-after=0'))
  await standIn.control.until(({ counters }) => counters.running === 1)
  const second = openChat(standIn.url, saying('tokens=1'))
  await standIn.control.until(({ counters }) => counters.queued === 1)
  await standIn.control.apply({ freeze: true })
  first.destroy()
  await standIn.control.until(({ records }) => records[1]?.outcome === 'running')
  second.destroy()
  const { counters } = await standIn.control.until((state) => state.counters.cancelled === 2)
  assert.equal(counters.running, 0)
})

const STAGES = [
  { stage: 'loading', faults: 'load-delay-ms=600000', running: 0 },
  { stage: 'in prefill', faults: 'prefill-delay-ms=600000', running: 1 },
  { stage: 'between words', faults: 'token-delay-ms=600000', running: 1 },
] as const

for (const { stage, faults, running } of STAGES) {
  test(`a client that goes away ${stage} ends its generation at once`, async () => {
    await using standIn = await startOllamaStandIn({ slots: 1 })
    const socket = openChat(standIn.url, saying(faults))
    await standIn.control.until(({ counters, records }) => {
      return counters.running === running && records[0]?.model === MODEL
    })
    const leftAtMs = performance.now()
    socket.destroy()
    const { counters, records } = await standIn.control.until((state) => {
      return state.counters.cancelled === 1
    })
    const [record] = records
    assert.deepEqual([record?.outcome, counters.running], ['client-closed', 0])
    const latencyMs = (record?.endedAtMs ?? Number.POSITIVE_INFINITY) - leftAtMs
    assert.ok(latencyMs >= 0 && latencyMs < 5_000, `${latencyMs} ms`)
    assert.equal((await chat(standIn.url, 'Next.')).content, plainWords(1, 20))
  })
}

test('a client that goes away while it waits leaves the queue', async () => {
  await using standIn = await startOllamaStandIn({ slots: 1, prefillDelayMs: 600_000 })
  const first = openChat(standIn.url, saying('tokens=1'))
  await standIn.control.until(({ counters }) => counters.running === 1)
  const second = openChat(standIn.url, saying('tokens=1'))
  await standIn.control.until(({ counters }) => counters.queued === 1)
  second.destroy()
  const { counters, records } = await standIn.control.until((state) => {
    return state.counters.cancelled === 1
  })
  assert.deepEqual([counters.running, counters.queued], [1, 0])
  assert.equal(records[1]?.startedAtMs, undefined, 'it never got a slot')
  first.destroy()
})

test('more than the slots wait in the order of their arrival, and then 503', async () => {
  await using standIn = await startOllamaStandIn({ slots: 1, waitingMax: 2 })
  await standIn.control.apply({ freeze: false, defaults: 'prefill-delay-ms=5' })
  const holder = openChat(standIn.url, saying('hang-after=0'))
  await standIn.control.until(({ counters }) => counters.running === 1)
  const waiting: Promise<unknown>[] = []
  for (const queued of [1, 2]) {
    waiting.push(ask(`${standIn.url}/api/chat`, { model: MODEL, ...saying('tokens=1') }))
    await standIn.control.until(({ counters }) => counters.queued === queued)
  }
  const refused = await chat(standIn.url, 'Hi.')
  assert.equal(refused.status, 503)
  assert.deepEqual(refused.last, {
    error: 'server busy, please try again.  maximum pending requests exceeded',
  })
  holder.destroy()
  await Promise.all(waiting)
  const [, second, third] = standIn.control.state().records
  assert.ok((second?.endedAtMs ?? 0) <= (third?.startedAtMs ?? 0))
})
