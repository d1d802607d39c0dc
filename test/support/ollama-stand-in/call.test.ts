import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, chat, MODEL } from './ask.ts'
import { BUSY_TEXT, FAULT_HEADER } from './call.ts'
import { startOllamaStandIn } from './start-ollama-stand-in.ts'

const HI = { model: MODEL, messages: [{ role: 'user', content: 'Hi.' }] }

const STATUSES = [
  [503, BUSY_TEXT],
  [404, `model '${MODEL}' not found`],
  [429, 'too many requests'],
  [500, 'llama runner process has terminated: exit status 2'],
] as const

for (const [status, text] of STATUSES) {
  test(`status=${status} refuses before the first line with: ${text}`, async () => {
    await using standIn = await startOllamaStandIn()
    const answer = await chat(standIn.url, `Hi. [[stand-in:status=${status}]]`)
    assert.deepEqual([answer.status, answer.last], [status, { error: text }])
    assert.equal(answer.headers.get('retry-after'), null)
    const [record] = standIn.control.state().records
    assert.deepEqual(
      [record?.outcome, record?.fault, record?.status],
      ['refused', 'status', status],
    )
  })
}

test('a refusal can have another text and tell when to come back', async () => {
  await using standIn = await startOllamaStandIn()
  const faults = 'status=500,error=CUDA%20error%3A%20out%20of%20memory,retry-after=7'
  const answer = await chat(standIn.url, `[[stand-in:${faults}]]`)
  assert.equal(answer.last.error, 'CUDA error: out of memory')
  assert.equal(answer.headers.get('retry-after'), '7')
})

test('html answers with a web page', async () => {
  await using standIn = await startOllamaStandIn()
  const answer = await chat(standIn.url, '[[stand-in:html]]')
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.equal(standIn.control.state().records[0]?.fault, 'html')
})

test('no-render speaks where an older server would not know the field', async () => {
  await using standIn = await startOllamaStandIn()
  const rendering = { _debug_render_only: true }
  const answer = await chat(standIn.url, '[[stand-in:no-render]]', rendering)
  assert.equal(answer.objects.length, 21)
})

test('a header wins over the prompt, the prompt over rules, rules over the defaults', async () => {
  await using standIn = await startOllamaStandIn({ tokens: 9 })
  const counted = async (content: string, headers = {}) => {
    const messages = [{ role: 'user', content }]
    const answer = await ask(`${standIn.url}/api/chat`, { model: MODEL, messages }, headers)
    return answer.objects.length - 1
  }
  assert.equal(await counted('Hi.'), 9)
  await standIn.control.apply({ faults: [{ faults: 'tokens=8' }] })
  assert.equal(await counted('Hi.'), 8)
  assert.equal(await counted('[[stand-in:tokens=7]]'), 7)
  assert.equal(await counted('[[stand-in:tokens=7]]', { [FAULT_HEADER]: 'tokens=6' }), 6)
})

test('a directive counts only where the user speaks last', async () => {
  await using standIn = await startOllamaStandIn()
  const messages = [
    { role: 'user', content: '[[stand-in:status=500]]' },
    { role: 'assistant', content: '[[stand-in:status=500]]' },
    { role: 'user', content: 'Go on.' },
  ]
  assert.equal((await ask(`${standIn.url}/api/chat`, { model: MODEL, messages })).status, 200)
})

test('a fault that nobody knows is refused, so that no test passes by a typing error', async () => {
  await using standIn = await startOllamaStandIn()
  const byPrompt = await chat(standIn.url, '[[stand-in:reste-after=1]]')
  const byHeader = await ask(`${standIn.url}/api/chat`, HI, { [FAULT_HEADER]: 'tokens=x' })
  for (const answer of [byPrompt, byHeader]) {
    assert.equal(answer.status, 400)
    assert.match(answer.last.error ?? '', /^stand-in: .*fault/)
  }
})

test('reads are harmed by header or by rules that name them', async () => {
  await using standIn = await startOllamaStandIn()
  const tags = (headers = {}) => fetch(`${standIn.url}/api/tags`, { headers })
  assert.equal((await tags({ [FAULT_HEADER]: 'status=500' })).status, 500)
  await assert.rejects(tags({ [FAULT_HEADER]: 'cut-after=0' }))
  await standIn.control.apply({
    faults: [{ faults: 'reset-after=0', path: '/api/tags', times: 1 }],
  })
  await assert.rejects(tags())
  assert.equal((await tags()).status, 200)

  await standIn.control.apply({ faults: [{ faults: 'hang-after=0', path: '/api/tags' }] })
  const controller = new AbortController()
  const hanging = fetch(`${standIn.url}/api/tags`, { signal: controller.signal })
  await standIn.control.until(({ rules }) => rules[0]?.harmed === 1)
  controller.abort()
  await assert.rejects(hanging)
})
