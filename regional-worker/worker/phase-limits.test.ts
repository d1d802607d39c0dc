import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CallProgress,
  estimatePromptTokens,
  isTooSilent,
  mayUseTools,
  type PhaseLimits,
  phaseOf,
  prefillRestMs,
} from './phase-limits.ts'

const LIMITS: PhaseLimits = {
  firstOutputMs: 10_000,
  prefillMsPerToken: 20,
  loadMs: 300_000,
  silenceMs: 10_000,
  toolCallMs: 120_000,
}

/** A call at 1,000 ms to a model that has long been resident, with 100 tokens of prompt. */
const PREFILL: CallProgress = {
  calledMs: 1_000,
  residentSinceMs: 500,
  promptTokens: 100,
  usesTools: false,
  hasOutput: false,
  lastOutputMs: 1_000,
  isPaused: false,
}
const LOADING: CallProgress = { ...PREFILL, residentSinceMs: undefined }
const DECODE: CallProgress = { ...PREFILL, hasOutput: true, lastOutputMs: 2_000 }

for (const [situation, call, limitMs] of [
  ['a resident model has 10 s and 20 ms per token of prompt', PREFILL, 1_000 + 12_000],
  ['a loading model has 300 s', LOADING, 1_000 + 300_000],
  ['a very long prompt has no more than a load', { ...PREFILL, promptTokens: 1e6 }, 301_000],
  [
    'a model that became resident later begins then',
    { ...PREFILL, residentSinceMs: 60_000 },
    72_000,
  ],
  ['a generation has 10 s between two tokens', DECODE, 2_000 + 10_000],
  [
    'a generation that may hold back a tool call has 120 s',
    { ...DECODE, usesTools: true },
    122_000,
  ],
] as const) {
  test(situation, () => {
    assert.equal(isTooSilent(call, LIMITS, limitMs), false)
    assert.equal(isTooSilent(call, LIMITS, limitMs + 1), true)
  })
}

test('a call that nobody reads is not too silent; its time begins when reading goes on', () => {
  assert.equal(isTooSilent({ ...DECODE, isPaused: true }, LIMITS, 1e9), false)
  assert.equal(isTooSilent({ ...DECODE, lastOutputMs: 1e9 }, LIMITS, 1e9 + 10_000), false)
  assert.equal(isTooSilent({ ...PREFILL, lastOutputMs: 1e9 }, LIMITS, 1e9 + 12_000), false)
})

test('the phase is loading until the model is resident, prefill until the first output', () => {
  assert.equal(phaseOf(LOADING), 'loading')
  assert.equal(phaseOf(PREFILL), 'prefill')
  assert.equal(phaseOf(DECODE), 'decode')
})

test('a prompt is estimated at four bytes per token, rounded up', () => {
  assert.equal(estimatePromptTokens(0), 0)
  assert.equal(estimatePromptTokens(1), 1)
  assert.equal(estimatePromptTokens(4_000), 1_000)
})

test('a request names tools by a key and not by its text', () => {
  assert.equal(mayUseTools(Buffer.from('{"tools":[]}')), true)
  assert.equal(
    mayUseTools(Buffer.from(JSON.stringify({ prompt: 'which "tools" are there' }))),
    false,
  )
})

test('a cancelled prefill goes on for what is left of its estimate, 30 s at most', () => {
  assert.equal(prefillRestMs(PREFILL, 10, 1_300), 700)
  assert.equal(prefillRestMs(PREFILL, 10, 5_000), 0)
  assert.equal(prefillRestMs({ ...PREFILL, promptTokens: 1e6 }, 10, 1_000), 30_000)
})

test('a cancelled load or generation leaves nothing behind', () => {
  assert.equal(prefillRestMs(LOADING, 10, 1_000), 0)
  assert.equal(prefillRestMs(DECODE, 10, 1_000), 0)
})
