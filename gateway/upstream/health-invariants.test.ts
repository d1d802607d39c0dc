// Goal: invariants 7, 8 and 11 of routing.md hold whatever regions do. Method: generated faults on
// a played clock. Every test says its first seed; SEED=<number> makes it the first one again.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type Change,
  type Fault,
  type FaultKind,
  type SimulatedHour,
  seededRandom,
  simulateFleet,
} from '../../test/support/simulated-fleet.ts'
import { HEALTH_DEFAULTS as LIMITS } from './health-states.ts'

const RUNS = 25
const MINUTE_MS = 60_000
/** Faults begin and end within this time. */
const TROUBLE_MS = 10 * MINUTE_MS
/** So long after the last fault everything must be well again. */
const RECOVERY_MS = LIMITS.holdDownMaxMs + 35_000

interface Played extends SimulatedHour {
  readonly seed: number
  readonly regions: number
  readonly faults: readonly Fault[]
}

/** Plays many hours, one for each seed. */
function playHours(t: TestContext, kinds: readonly FaultKind[], regionsMax: number): Played[] {
  const first = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
  t.diagnostic(`SEED=${first}`)
  return Array.from({ length: RUNS }, (_, run) => playHour(first + run, kinds, regionsMax))
}

function playHour(seed: number, kinds: readonly FaultKind[], regionsMax: number): Played {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const regions = 1 + below(regionsMax)
  const faults = Array.from({ length: 1 + below(20) }, (): Fault => {
    const fromMs = below(TROUBLE_MS)
    // Many short ones, and some that outlast every hold-down.
    const forMs = random() < 0.7 ? below(10_000) : below(3 * MINUTE_MS)
    return {
      region: below(regions),
      kind: kinds[below(kinds.length)] ?? 'refuses',
      fromMs,
      untilMs: Math.min(TROUBLE_MS, fromMs + forMs),
    }
  })
  const untilMs = TROUBLE_MS + RECOVERY_MS
  const hour = simulateFleet({ seed, regions, faults, untilMs, requestEveryMs: 200 })
  return { ...hour, seed, regions, faults }
}

const ALL_KINDS: readonly FaultKind[] = ['refuses', 'silent', 'flaky', 'shut', 'drains']

function isInRotation({ state }: { readonly state: { readonly kind: string } }): boolean {
  return state.kind === 'healthy' || state.kind === 'suspect'
}

const WAYS: readonly string[] = [
  'suspect>healthy', // Rows 2 and 4.
  'healthy>suspect', // Row 3.
  'suspect>down', // Rows 5 and 7.
  'ejected>down', // Row 5.
  'draining>down', // Row 5.
  'healthy>ejected', // Row 6.
  'suspect>ejected', // Row 6.
  'healthy>down', // Row 7.
  'healthy>draining', // Row 8.
  'suspect>draining', // Row 8.
  'probing>draining', // Row 8.
  'draining>healthy', // Row 9.
  'down>probing', // Rows 10 and 14.
  'ejected>probing', // Rows 11 and 14.
  'probing>healthy', // Row 12.
  'probing>down', // Row 13.
  'probing>ejected', // Row 13.
]

function wayOf({ from, to }: Change): string {
  return `${from.state.kind}>${to.state.kind}`
}

test('invariant 7: states change along the ways of the table only', (t) => {
  const ways = new Set<string>()

  for (const { changes, seed } of playHours(t, ALL_KINDS, 5)) {
    for (const change of changes) {
      ways.add(wayOf(change))
      assert.ok(WAYS.includes(wayOf(change)), `seed ${seed}: ${wayOf(change)} at ${change.atMs}`)
    }
  }

  assert.ok(ways.size > WAYS.length / 2, [...ways].join(' '))
})

test('invariant 7: hold-down and ejection are never shorter, unless nobody is in rotation', (t) => {
  for (const { changes, seed } of playHours(t, ALL_KINDS, 5)) {
    for (const change of changes) {
      if (change.to.state.kind !== 'probing' || !change.before.some(isInRotation)) continue
      const { atMs, from, region } = change
      const outForMs = atMs - from.state.sinceMs
      const says = `seed ${seed}: region ${region} at ${atMs} after ${outForMs} ms`
      if (from.state.kind === 'ejected') assert.ok(outForMs >= 0.8 * LIMITS.ejectBaseMs, says)
      else assert.ok(atMs - change.lastFailedProbeMs >= leastHoldDownMs(change, changes), says)
    }
  }
})

/** By the departures of the last five minutes alone: what is older can only have made it longer. */
function leastHoldDownMs({ atMs, region }: Change, changes: readonly Change[]): number {
  const departures = changes.filter(
    (change) =>
      change.region === region &&
      ['healthy', 'suspect'].includes(change.from.state.kind) &&
      ['down', 'ejected'].includes(change.to.state.kind) &&
      change.atMs <= atMs &&
      atMs - change.atMs < LIMITS.flapWindowMs,
  )
  const beyond = Math.max(0, departures.length - LIMITS.flapsMax)
  return Math.min(LIMITS.holdDownMaxMs, LIMITS.holdDownMs * 2 ** beyond)
}

test('invariant 7: a ramp begins with every return, and only with one', (t) => {
  for (const { changes, seed } of playHours(t, ALL_KINDS, 5)) {
    for (const { from, to, atMs } of changes) {
      if (to.state.kind !== 'healthy') continue
      const isReturn = from.state.kind === 'probing' || from.state.kind === 'draining'
      assert.equal(to.rampSinceMs, isReturn ? atMs : from.rampSinceMs, `seed ${seed} at ${atMs}`)
    }
  }
})

test('invariant 8: never more are ejected than may be, and never the last available one', (t) => {
  let ejections = 0

  for (const { changes, regions, seed } of playHours(t, ['flaky', 'refuses', 'shut'], 6)) {
    const allowed = regions < 2 ? 0 : Math.max(1, Math.floor(regions / 2))
    for (const { atMs, before, from, region, to } of changes) {
      if (to.state.kind !== 'ejected') continue
      ejections += 1
      const ejected = before.filter(({ state }) => state.kind === 'ejected').length + 1
      assert.ok(ejected <= allowed, `seed ${seed}: ${ejected} of ${regions} at ${atMs}`)
      if (!isInRotation(from) || !before[region]?.isAvailable) continue
      const others = before.filter(({ isAvailable }, at) => at !== region && isAvailable)
      assert.ok(others.length > 0, `seed ${seed}: the last one at ${atMs}`)
    }
  }

  assert.ok(ejections > 0)
})

test('invariant 11: after the last fault all regions are healthy in the time allowed', (t) => {
  for (const { states, seed } of playHours(t, ALL_KINDS, 5)) {
    assert.deepEqual([...new Set(states.map(({ kind }) => kind))], ['healthy'], `seed ${seed}`)
  }
})

test('invariant 11: when all were lost, one serves within 5 s of its return', (t) => {
  let returns = 0

  for (const { changes, faults, servedMs, regions, seed } of playHours(
    t,
    ['refuses', 'silent'],
    3,
  )) {
    for (const { region, untilMs } of faults) {
      const isLasting = faults.some(
        (fault) =>
          fault.region === region && fault.fromMs < untilMs + 5_000 && fault.untilMs > untilMs,
      )
      if (isLasting || rotationAt(untilMs, changes, regions) > 0) continue
      returns += 1
      const served = servedMs.some((atMs) => atMs >= untilMs && atMs <= untilMs + 5_000)
      assert.ok(served, `seed ${seed}: region ${region} is back at ${untilMs}`)
    }
  }

  assert.ok(returns > 0)
})

/** How many regions are in rotation at a moment. */
function rotationAt(atMs: number, changes: readonly Change[], regions: number): number {
  return Array.from({ length: regions }, (_, region) => {
    const last = changes.findLast((change) => change.region === region && change.atMs <= atMs)
    return last === undefined || isInRotation(last.to) ? 1 : 0
  }).reduce<number>((sum, one) => sum + one, 0)
}
