import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differenceOf, interactiveConsumerPlan, interactiveStreamPlan } from './streams.ts'

const OPTIONS = { queues: ['cpu', 'gpu'], queueMessagesMax: 100, replicas: 1 }

test('one full queue leaves room for the others: the stream holds the sum of their limits', () => {
  const plan = interactiveStreamPlan(OPTIONS)

  assert.equal(plan.max_msgs_per_subject, 100)
  assert.equal(plan.max_msgs, 200)
  assert.equal(plan.discard_new_per_subject, true)
})

test('the consumer of a queue takes only what was published for it', () => {
  assert.equal(interactiveConsumerPlan('gpu').filter_subject, 'work.interactive.gpu')
})

test('a setting that differs is named, and what the server adds of its own is not a difference', () => {
  const plan = interactiveStreamPlan(OPTIONS)

  assert.equal(differenceOf(plan, { ...plan, sealed: false }), undefined)
  assert.equal(differenceOf(plan, { ...plan, max_age: 5 }), 'max_age')
  assert.equal(differenceOf(plan, { ...plan, subjects: ['work.>'] }), 'subjects')
  assert.equal(differenceOf(plan, {}), 'name')
})
