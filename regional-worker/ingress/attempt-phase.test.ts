import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptPhase, type Due, decideDue } from './attempt-phase.ts'

const LIMITS = {
  publishAnswerMs: 1_000,
  publishRepeatMs: 300,
  sayQueuedEveryMs: 1_000,
  workerSilenceMs: 2_500,
  slowReaderMs: 30_000,
}
const TIMES = { publishedMs: 0, queueDeadlineAtMs: 5_000 }
const PUBLISHING: AttemptPhase = { name: 'publishing', nobody: false, repeats: 0 }
const NOBODY: AttemptPhase = { name: 'publishing', nobody: true, repeats: 1 }
const QUEUED: AttemptPhase = { name: 'queued', seq: 1, saidMs: 1_000 }
const UNSAID: AttemptPhase = { name: 'queued', seq: 1, saidMs: Number.NEGATIVE_INFINITY }
const RUNNING: AttemptPhase = { name: 'running', worker: 'w', heardMs: 1_000, pausedMs: undefined }
const PAUSED: AttemptPhase = { name: 'running', worker: 'w', heardMs: 1_000, pausedMs: 1_000 }

const DUE: readonly [situation: string, phase: AttemptPhase, nowMs: number, due: Due][] = [
  ['a body that is being read, late', { name: 'reading' }, 9_000, 'nothing'],
  ['a publish of just now', PUBLISHING, 999, 'nothing'],
  ['a publish without an answer', PUBLISHING, 1_000, 'no-answer'],
  ['a publish that found nobody', NOBODY, 299, 'publish-again'],
  ['a publish that finds nobody for long', NOBODY, 300, 'not-accepting'],
  ['queued work that its gateway has not heard of', UNSAID, 1, 'say-queued'],
  ['queued work that its gateway has heard of', QUEUED, 1_999, 'nothing'],
  ['queued work of which nothing was said for a second', QUEUED, 2_000, 'say-queued'],
  ['queued work at its deadline', QUEUED, 5_000, 'deadline'],
  ['a running worker that was heard', RUNNING, 3_499, 'nothing'],
  ['a running worker that is silent', RUNNING, 3_500, 'worker-lost'],
  ['a paused worker that is silent', PAUSED, 30_999, 'nothing'],
  ['a reader that has taken nothing for long', PAUSED, 31_000, 'slow-reader'],
  ['an attempt that is over', { name: 'over' }, 1e9, 'nothing'],
]

for (const [situation, phase, nowMs, due] of DUE) {
  test(`for ${situation} at ${nowMs} ms ${due} is due`, () => {
    assert.equal(decideDue(phase, TIMES, nowMs, LIMITS), due)
  })
}

test('a queue deadline that is shorter than the wait for an answer to the publish holds', () => {
  const times = { publishedMs: 0, queueDeadlineAtMs: 200 }

  assert.equal(decideDue(PUBLISHING, times, 200, LIMITS), 'deadline')
})
