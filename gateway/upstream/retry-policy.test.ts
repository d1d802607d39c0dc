import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttemptFailure } from './failures.ts'
import { decideNext, type RequestProgress } from './retry-policy.ts'

const LOST: AttemptFailure = {
  kind: 'failed',
  code: 'upstream_error',
  fault: 'region',
  workStarted: 'unknown',
}
const FIRST: RequestProgress = { attempts: 1, committed: false, nowMs: 1_000, deadlineMs: 9_000 }

const DECISIONS: readonly [
  situation: string,
  failure: Partial<AttemptFailure>,
  progress: Partial<RequestProgress>,
  next: ReturnType<typeof decideNext>,
][] = [
  ['work that had not begun is tried elsewhere', { workStarted: 'no' }, {}, 'try-elsewhere'],
  ['work of which nobody knows is tried elsewhere', {}, {}, 'try-elsewhere'],
  ['work that had begun is tried elsewhere', { workStarted: 'yes' }, {}, 'try-elsewhere'],
  ['a full queue is tried elsewhere', { code: 'overloaded' }, {}, 'try-elsewhere'],
  ['the last attempt but one is followed by another', {}, { attempts: 2 }, 'try-elsewhere'],
  ['the last attempt gives its own code', {}, { attempts: 3 }, 'upstream_error'],
  [
    'the last attempt at a full region says so',
    { code: 'overloaded' },
    { attempts: 3 },
    'overloaded',
  ],
  ['just before the deadline there is another attempt', {}, { nowMs: 8_999 }, 'try-elsewhere'],
  ['at the deadline there is no other attempt', {}, { nowMs: 9_000 }, 'deadline_exceeded'],
  [
    'a request at fault is not repeated',
    { code: 'model_refused', fault: 'request' },
    {},
    'model_refused',
  ],
  [
    'a client that has gone is not served elsewhere',
    { code: 'client_closed', fault: 'client' },
    {},
    'client_closed',
  ],
  ['an answer that has begun is not begun again', {}, { committed: true }, 'stream_interrupted'],
  [
    'a committed answer that the request broke is interrupted, too',
    { code: 'model_refused', fault: 'request' },
    { committed: true },
    'stream_interrupted',
  ],
  [
    'a client that leaves a committed answer has left',
    { code: 'client_closed', fault: 'client' },
    { committed: true },
    'client_closed',
  ],
  [
    'a deadline that ends a committed answer is the deadline',
    { code: 'deadline_exceeded', fault: 'client' },
    { committed: true },
    'deadline_exceeded',
  ],
]

for (const [situation, failure, progress, next] of DECISIONS) {
  test(situation, () => {
    const decision = decideNext(
      { ...LOST, ...failure },
      { ...FIRST, ...progress },
      { attemptsMax: 3 },
    )

    assert.equal(decision, next)
  })
}
