import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import { StreamedAnswer } from './ollama-streamed-answer.ts'

const PLAN = { model: 'x', contentType: 'application/x-ndjson', answerModel: undefined }
const LINE = Buffer.from(
  '{"model":"x","message":{"role":"assistant","content":"a"},"done":false}\n',
)
const LAST = Buffer.from(
  '{"model":"x","done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2}\n',
)

test('the buffers that come in go out, the very same', () => {
  const answer = new StreamedAnswer(PLAN)

  assert.equal(answer.delta(LINE), LINE)
  assert.equal(answer.done(LAST), LAST)
})

test('lines in between are not read: what is broken there passes on the hot path', () => {
  const bytes = Buffer.from('no JSON at all\n')

  assert.equal(new StreamedAnswer(PLAN).delta(bytes), bytes)
})

test('tokens are known when the last line has counted them', () => {
  const answer = new StreamedAnswer(PLAN)
  answer.delta(LINE)
  assert.deepEqual(answer.usage, {})

  answer.done(LAST)

  assert.deepEqual(answer.usage, { inputTokens: 7, outputTokens: 2 })
})

test('a stream that ends without a last line is the fault of the model server', () => {
  for (const line of ['', '{"done":false}\n', '{"error":"unexpected EOF"}\n', '{"done":tr']) {
    assert.throws(() => new StreamedAnswer(PLAN).done(Buffer.from(line)), {
      code: 'upstream_error',
    })
  }
})

test('the answer carries another name when it is told one', () => {
  const answer = new StreamedAnswer({ ...PLAN, answerModel: 'alias' })

  const said = answer.delta(LINE).toString() + answer.done(LAST)

  assert.equal(said, (LINE.toString() + LAST).replaceAll('"model":"x"', '"model":"alias"'))
})

test('a heartbeat is one blank, before which and after which lines parse', () => {
  const answer = new StreamedAnswer(PLAN)

  const [line] = `${answer.heartbeat()}${answer.heartbeat()}${answer.delta(LINE)}`.split('\n')

  assert.equal(answer.heartbeat(), ' ')
  assert.deepEqual(JSON.parse(line ?? ''), JSON.parse(LINE.toString()))
})

test('a failure is one line in the words that clients of Ollama know', () => {
  const answer = new StreamedAnswer(PLAN)

  assert.equal(
    answer.failure(new GatewayError('stream_interrupted')),
    '{"error":"The answer was interrupted and could not be continued."}\n',
  )
  assert.equal(
    answer.failure(new GatewayError('model_not_found')),
    `{"error":"model 'x' not found"}\n`,
  )
})
