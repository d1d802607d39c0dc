import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeAfter, placeAfterLastWord, type Vocabulary, WAVE, wordAt } from './words.ts'

const PLAIN: Vocabulary = { letter: 'w', form: 'plain' }
const RICH: Vocabulary = { letter: 'w', form: 'rich' }

test('words are numbered from 1, and only the first has no space before it', () => {
  assert.deepEqual(
    [1, 2, 10].map((position) => wordAt(position, PLAIN)),
    ['w1', ' w2', ' w10'],
  )
  assert.equal(wordAt(3, { letter: 't', form: 'plain' }), ' t3')
})

test('rich words hold what breaks careless readers, at fixed places', () => {
  assert.equal(wordAt(7, RICH), ' w7äß')
  assert.equal(wordAt(11, RICH), ' w11👩‍🚒')
  assert.equal(wordAt(13, RICH), ' w13"\\\n')
  assert.equal(wordAt(17, RICH), ' w17 data: [DONE]')
  assert.equal(wordAt(19, RICH) + wordAt(20, RICH), ' w19e\u0301 w20')
  assert.equal(wordAt(154, RICH), ' w154äß👩‍🚒')
})

for (const vocabulary of [PLAIN, RICH]) {
  test(`an answer cut after any ${vocabulary.form} character goes on with the next one`, () => {
    const whole = Array.from({ length: 40 }, (_, at) => wordAt(at + 1, vocabulary)).join('')
    for (let cutAt = 0; cutAt < whole.length; cutAt += 1) {
      const place = placeAfter(whole.slice(0, cutAt), vocabulary)
      assert.ok(place !== undefined)
      let text = whole.slice(0, cutAt) + place.rest
      for (let next = place.position + 1; next <= 40; next += 1) text += wordAt(next, vocabulary)
      assert.equal(text, whole)
    }
  })
}

test('an answer that lost, repeated or moved a word goes on nowhere', () => {
  for (const text of ['w1 w3', 'w1 w2 w2', 'w1 w3 w2', ' w1', 'w2', 'w1  w2', 'x']) {
    assert.equal(placeAfter(text, PLAIN), undefined, text)
  }
})

test('padding and waves after words do not count', () => {
  assert.deepEqual(placeAfter(`w1~~~~ w2${WAVE} w3~${WAVE}`, PLAIN), { position: 4, rest: ' w4' })
})

test('without the whole answer the last word alone tells the place', () => {
  assert.deepEqual(placeAfterLastWord('Go on: w6 w7', PLAIN), { position: 8, rest: ' w8' })
  assert.deepEqual(placeAfterLastWord('w7 ', PLAIN), { position: 8, rest: 'w8' })
  assert.deepEqual(placeAfterLastWord(`w7~~${WAVE}`, PLAIN), { position: 8, rest: ' w8' })
  assert.deepEqual(placeAfterLastWord('Say w7.', PLAIN), { position: 1, rest: 'w1' })
  assert.deepEqual(placeAfterLastWord('', PLAIN), { position: 1, rest: 'w1' })
})
