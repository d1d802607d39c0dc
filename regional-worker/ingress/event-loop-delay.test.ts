import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { watchEventLoopDelay } from './event-loop-delay.ts'

test('an event loop that stands still again and again shows until it no longer does', async () => {
  const delay = watchEventLoopDelay()
  assert.equal(delay.meanMs, 0)

  const standstill = setInterval(() => {
    const until = performance.now() + 60
    while (performance.now() < until); // Nothing else runs.
  }, 1)
  await eventually('the delay is seen', () => delay.meanMs > 20)
  clearInterval(standstill)
  await eventually('it is over', () => delay.meanMs < 20)

  delay.close()
})
