import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainWords } from './ask.ts'
import { BEHAVIOUR_DEFAULTS, type Faults } from './faults.ts'
import { type AnswerWish, planAnswer, WRONG_PROMPT } from './plan-answer.ts'
import { ASSISTANT_TURN } from './render-prompt.ts'
import { WAVE } from './words.ts'

const WISH: AnswerWish = {
  prompt: `<|im_start|>user\nHi<|im_end|>\n${ASSISTANT_TURN}`,
  raw: false,
  thinks: false,
  format: undefined,
  callTools: [],
  numPredict: undefined,
  stop: [],
}

function plan(wish: Partial<AnswerWish>, faults: Faults = {}) {
  const answer = planAnswer({ ...WISH, ...wish }, { ...BEHAVIOUR_DEFAULTS, ...faults })
  const textOf = (kind: string) =>
    answer.pieces
      .map((piece) => (piece.kind === kind && 'text' in piece ? piece.text : ''))
      .join('')
  return { ...answer, content: textOf('content'), thinking: textOf('thinking') }
}

/** Continues an answer that so far is `soFar`, after the model's own opening of the turn. */
const resume = (soFar: string, wish: Partial<AnswerWish> = {}, faults: Faults = {}) =>
  plan({ raw: true, prompt: WISH.prompt + soFar, ...wish }, faults)

test('an answer is twenty words, or as many as the behaviour says', () => {
  assert.equal(plan({}).content, plainWords(1, 20))
  assert.deepEqual([plan({}).doneReason, plan({}).given], ['stop', 0])
  assert.equal(plan({}, { tokens: 3 }).content, 'w1 w2 w3')
  assert.equal(plan({}, { tokens: 0 }).content, '')
})

test('num_predict bounds the tokens of thinking and text together', () => {
  const short = plan({ numPredict: 7, thinks: true })
  assert.deepEqual([short.thinking, short.content], ['t1 t2 t3 t4 t5', 'w1 w2'])
  assert.equal(short.doneReason, 'length')
  assert.equal(plan({ numPredict: 20 }).doneReason, 'length', 'the limit is reached exactly')
  assert.equal(plan({ numPredict: 21 }).doneReason, 'stop')
})

test('an answer ends before its first stop word', () => {
  const stopped = plan({ stop: ['w7', 'w4 w', 'never'] })
  assert.equal(stopped.content, 'w1 w2 w3 ')
  assert.equal(stopped.doneReason, 'stop')
  assert.equal(plan({ stop: ['w1'] }).content, '')
})

test('tools are called once each, after thinking, with the least that their schema wants', () => {
  const parameters = { properties: { n: { type: 'integer' } }, required: ['n'] }
  const callTools = [
    { name: 'f', parameters },
    { name: 'g', parameters: undefined },
  ]
  const { pieces, thinking } = plan({ callTools, thinks: true })
  assert.equal(thinking, 't1 t2 t3 t4 t5')
  assert.deepEqual(pieces.slice(5), [
    { kind: 'tool-call', index: 0, name: 'f', arguments: { n: 1 } },
    { kind: 'tool-call', index: 1, name: 'g', arguments: {} },
  ])
})

test('structured answers are JSON, said in several tokens', () => {
  assert.deepEqual(JSON.parse(plan({ format: 'json' }).content), { answer: 'w1' })
  const schema = { properties: { name: { const: 'ä👋🏽' } }, required: ['name'] }
  const structured = plan({ format: schema })
  assert.deepEqual(JSON.parse(structured.content), { name: 'ä👋🏽' })
  assert.ok(structured.pieces.length > 2)
})

test('a raw prompt without a turn goes on after its last word', () => {
  const place = plan({ raw: true, prompt: 'Continue: w6 w7' })
  assert.equal(place.content, plainWords(8, 20))
  assert.equal(place.given, 7)
  assert.equal(plan({ raw: true, prompt: 'Hello' }).content, plainWords(1, 20))
})

test('a continuation says exactly what is missing, wherever the answer was cut', () => {
  const whole = plainWords(1, 20)
  for (let cutAt = 0; cutAt <= whole.length; cutAt += 1) {
    const soFar = whole.slice(0, cutAt)
    assert.equal(soFar + resume(soFar).content, whole)
  }
  assert.equal(resume('w1 w2 w3').given, 3)
})

test('a continuation of anything but the right answer says so', () => {
  for (const soFar of ['w1 w3', 'w1 w2 w2', 'W1', '<think>\nt1 t3', '<think>\nt1</think>\n\nw1']) {
    assert.equal(resume(soFar, { thinks: true }).content, WRONG_PROMPT, soFar)
  }
})

test('a raw prompt with an open turn begins the answer, thinking included', () => {
  for (const soFar of ['', '<think>\n']) {
    const begun = resume(soFar, { thinks: true })
    assert.deepEqual([begun.thinking, begun.content], ['t1 t2 t3 t4 t5', plainWords(1, 20)])
  }
})

test('from inside a thought the rest comes as text, with the closing tag, as from Ollama', () => {
  const rest = resume('<think>\nt1 t2', { thinks: true })
  assert.deepEqual(
    [rest.thinking, rest.content, rest.given],
    ['', ` t3 t4 t5\n</think>\n\n${plainWords(1, 20)}`, 2],
  )
  const thought = resume('<think>\nt1 t2 t3 t4 t5\n', { thinks: true })
  assert.equal(thought.content, `\n</think>\n\n${plainWords(1, 20)}`)
})

test('after a closed thought the text goes on, and the thought counts as given', () => {
  const soFar = '<think>\nt1 t2 t3 t4 t5\n</think>\n\nw1 w2'
  const rest = resume(soFar, { thinks: true })
  assert.deepEqual([rest.content, rest.given], [plainWords(3, 20), 7])
  const forbidden = resume('<think>\n\n</think>\n\nw1 w2')
  assert.deepEqual([forbidden.content, forbidden.given], [plainWords(3, 20), 2])
})

test('a finished answer has nothing more to say', () => {
  assert.deepEqual(resume(plainWords(1, 20)).pieces, [])
})

test('one token can be made big and one can carry a wave', () => {
  const big = plan({ thinks: true }, { bigTokenBytes: 100 })
  assert.equal(
    big.pieces.find(({ kind }) => kind === 'content'),
    big.pieces[5],
  )
  assert.ok(big.content.startsWith(`w1${'~'.repeat(98)} w2`))
  assert.ok(plan({}, { splitUtf8At: 2 }).content.startsWith(`w1 w2${WAVE} w3`))
  const soFar = `w1${'~'.repeat(98)} w2${WAVE}`
  assert.equal(resume(soFar).content, plainWords(3, 20), 'and neither harms a continuation')
})

test('rich words are continued like plain ones', () => {
  const whole = plan({}, { words: 'rich', tokens: 40 }).content
  const soFar = whole.slice(0, 100)
  assert.equal(soFar + resume(soFar, {}, { words: 'rich', tokens: 40 }).content, whole)
})
