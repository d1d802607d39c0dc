import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../observe/metrics.ts'
import { showLevels } from './limit-metrics.ts'

test('levels are those of the moment at which they are asked for', async () => {
  const metrics = createMetrics('ingress')
  let queued = 2
  showLevels(metrics, {
    inFlight: () => 5,
    queues: () => new Map([['cpu', { queued, running: 3, queueLimit: 8 }]]),
    fullness: () => ({ bodies: 0.25 }),
  })

  const first = await metrics.text()
  queued = 4
  const second = await metrics.text()

  for (const line of [
    'meridian_ingress_in_flight{role="ingress"} 5',
    'meridian_ingress_work{queue="cpu",state="queued",role="ingress"} 2',
    'meridian_ingress_work{queue="cpu",state="running",role="ingress"} 3',
    'meridian_ingress_limit_ratio{limit="queue:cpu",role="ingress"} 0.25',
    'meridian_ingress_limit_ratio{limit="bodies",role="ingress"} 0.25',
  ]) {
    assert.ok(first.includes(line), line)
  }
  assert.ok(second.includes('meridian_ingress_limit_ratio{limit="queue:cpu",role="ingress"} 0.5'))
})
