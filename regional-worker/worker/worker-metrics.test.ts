import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../observe/metrics.ts'
import { Slots } from './slots.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

test('slots are shown by state as they are when asked', async () => {
  const registry = createMetrics('worker')
  const slots = new Slots(3)
  createWorkerMetrics(registry, slots)
  slots.take()
  slots.take()?.cool()

  const text = await registry.text()
  assert.match(text, /slots\{state="free",role="worker"\} 1/)
  assert.match(text, /slots\{state="running",role="worker"\} 1/)
  assert.match(text, /slots\{state="cooling",role="worker"\} 1/)
})

test('pulls and commands are counted by what became of them', async () => {
  const registry = createMetrics('worker')
  const metrics = createWorkerMetrics(registry, new Slots(1))
  metrics.countPull('asked')
  metrics.countPull('taken')
  metrics.countCommand('cancel')

  const text = await registry.text()
  assert.match(text, /pulls_total\{event="asked",role="worker"\} 1/)
  assert.match(text, /pulls_total\{event="taken",role="worker"\} 1/)
  assert.match(text, /commands_total\{command="cancel",role="worker"\} 1/)
})

test('work without output has a start phase and no content phase', async () => {
  const registry = createMetrics('worker')
  const metrics = createWorkerMetrics(registry, new Slots(1))
  metrics.countWork({
    queue: 'cpu',
    outcome: { kind: 'cancelled' },
    times: { receivedMs: 0, calledMs: 100, endedMs: 2_100 },
    outputBytes: 0,
  })

  const text = await registry.text()
  assert.match(text, /phase_seconds_sum\{role="worker",queue="cpu",phase="start"\} 2\n/)
  assert.doesNotMatch(text, /phase="content"/)
  assert.doesNotMatch(text, /time_to_first_token_seconds_count\{/)
})
