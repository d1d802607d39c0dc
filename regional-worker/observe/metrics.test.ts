import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('counters, histograms and gauges are written with their labels and the role', async () => {
  const metrics = createMetrics('worker')
  const counter = metrics.counter('work_total', 'Work.', ['outcome'])
  const histogram = metrics.histogram('phase_seconds', 'Phases.', [], [0.1, 1])
  const gauge = metrics.gauge('slots', 'Slots.', ['state'])

  counter.inc({ outcome: 'done' })
  counter.inc({ outcome: 'done' }, 2)
  histogram.observe({}, 0.5)
  gauge.set({ state: 'free' }, 2)

  const text = await metrics.text()
  assert.match(text, /^work_total\{outcome="done",role="worker"\} 3$/m)
  assert.match(text, /^phase_seconds_bucket\{le="0.1",role="worker"\} 0$/m)
  assert.match(text, /^phase_seconds_bucket\{le="1",role="worker"\} 1$/m)
  assert.match(text, /^slots\{state="free",role="worker"\} 2$/m)
})

test('a gauge that collects is read when it is asked for', async () => {
  const metrics = createMetrics('worker')
  let busy = 0
  metrics.gauge('busy', 'Busy slots.', [], (gauge) => gauge.set({}, busy))
  busy = 3

  assert.match(await metrics.text(), /^busy\{role="worker"\} 3$/m)
})

test('two processes in one have their own metrics, and those of Node', async () => {
  const [one, two] = [createMetrics('worker'), createMetrics('ingress')]
  one.counter('work_total', 'Work.', []).inc({})
  two.counter('work_total', 'Work.', [])

  assert.match(await one.text(), /^work_total\{role="worker"\} 1$/m)
  assert.match(await two.text(), /^work_total\{role="ingress"\} 0$/m)
  assert.match(await two.text(), /^process_cpu_seconds_total\{role="ingress"\}/m)
})

test('a name cannot be used twice', () => {
  const metrics = createMetrics('worker')
  metrics.counter('work_total', 'Work.', [])

  assert.throws(() => metrics.counter('work_total', 'Work.', []))
})
