// Goal: the table of states in routing.md, section 14.2, row by row.
// Method: each start is a real history, played from the first moment; each test plays some events
// more and names the states that follow, one for each event.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Evidence } from './evidence.ts'
import {
  type BegunIn,
  type HealthEvent,
  type HealthState,
  initialHealth,
  HEALTH_DEFAULTS as LIMITS,
  type Moment,
  type RegionHealth,
} from './health-states.ts'
import { healthAfter, nextHealth } from './next-health.ts'

type Kind = HealthState['kind']
type Step = readonly [atMs: number, event: HealthEvent, moment?: Partial<Moment>]

const OPEN = { interactive: true, durable: true }
const good: HealthEvent = { kind: 'probe-passed', isDraining: false, accepts: OPEN }
const shut: HealthEvent = { ...good, accepts: { interactive: false, durable: true } }
const ending: HealthEvent = { ...good, isDraining: true }
const bad: HealthEvent = { kind: 'probe-failed' }
const time: HealthEvent = { kind: 'time-passed' }
const drain: HealthEvent = { kind: 'operator-drained' }
const undrain: HealthEvent = { kind: 'operator-undrained' }
const begins: HealthEvent = { kind: 'attempt-begun' }

/** An attempt that ended before a worker started; it began when the region was healthy. */
function ended(evidence: Evidence | undefined, begunIn: BegunIn = HEALTHY.state): HealthEvent {
  return { kind: 'attempt-ended', begunIn, lane: 'interactive', hasStarted: false, evidence }
}

function starts(begunIn: BegunIn): HealthEvent {
  return { kind: 'attempt-started', begunIn }
}

function times(count: number, atMs: number, event: HealthEvent): Step[] {
  return Array.from({ length: count }, () => [atMs, event] as const)
}

function step(health: RegionHealth, [nowMs, event, moment]: Step): RegionHealth {
  const now = { nowMs, chance: 0.5, isAnyInRotation: true, mayEject: true, ...moment }
  return nextHealth(health, event, now, LIMITS)
}

function after(health: RegionHealth, ...steps: readonly Step[]): RegionHealth {
  return steps.reduce(step, health)
}

/** The states after each of the steps. */
function kindsOf(start: RegionHealth, steps: readonly Step[]): Kind[] {
  let health = start
  return steps.map((one) => {
    health = step(health, one)
    return health.state.kind
  })
}

const NEW = initialHealth(0)
const HEALTHY = after(NEW, [0, good])
const refused = ended('connection')
const silent = ended('infrastructure')
const answered = ended('reached')
/** Since 1 s, by one probe. */
const SUSPECT = after(HEALTHY, [1_000, bad])
/** Since 2 s, which is when the last probe failed. */
const DOWN = after(SUSPECT, [1_300, bad], [2_000, bad])
/** Since 1 s, until 31 s. */
const EJECTED = after(HEALTHY, ...times(5, 1_000, silent))
/** Since 17 s. */
const PROBING = after(DOWN, [14_000, good], [15_500, good], [17_000, good])
const DRAINING = after(HEALTHY, [1_000, ending])
/** Since 15 s. */
const LANE_DOWN = after(HEALTHY, [0, shut], [15_000, time])

test('the starts of these tests are what their names say', () => {
  const starts = [NEW, HEALTHY, SUSPECT, DOWN, EJECTED, PROBING, DRAINING, LANE_DOWN]

  assert.deepEqual(
    starts.map(({ state }) => [state.kind, state.sinceMs]),
    [
      ['suspect', 0],
      ['healthy', 0],
      ['suspect', 1_000],
      ['down', 2_000],
      ['ejected', 1_000],
      ['probing', 17_000],
      ['draining', 1_000],
      ['down', 15_000],
    ],
  )
})

type Row = readonly [
  row: number,
  situation: string,
  start: RegionHealth,
  steps: readonly Step[],
  kinds: readonly Kind[],
]

const FROM_ROTATION: readonly Row[] = [
  [2, 'the first good probe of an unknown region is enough', NEW, [[0, good]], ['healthy']],
  [
    2,
    'it is enough after a failed one, too',
    NEW,
    [
      [0, bad],
      [300, good],
    ],
    ['suspect', 'healthy'],
  ],
  [3, 'one failed probe is enough', HEALTHY, [[0, bad]], ['suspect']],
  [
    3,
    'the second connection failure in a row is enough',
    HEALTHY,
    [
      [0, refused],
      [0, refused],
    ],
    ['healthy', 'suspect'],
  ],
  [
    3,
    'an answer between them breaks the row',
    HEALTHY,
    [
      [0, refused],
      [0, answered],
      [0, refused],
    ],
    ['healthy', 'healthy', 'healthy'],
  ],
  [
    3,
    'a failure on a connection that was up breaks it, too',
    HEALTHY,
    [
      [0, refused],
      [0, silent],
      [0, refused],
    ],
    ['healthy', 'healthy', 'healthy'],
  ],
  [
    3,
    'attempts that say nothing do not count',
    HEALTHY,
    times(9, 0, ended(undefined)),
    Array.from({ length: 9 }, () => 'healthy' as const),
  ],
  [
    4,
    'the second good probe in a row clears a suspicion',
    SUSPECT,
    [
      [1_300, good],
      [1_600, good],
    ],
    ['suspect', 'healthy'],
  ],
  [
    4,
    'a failed probe between them does not',
    SUSPECT,
    [
      [1_300, good],
      [1_600, bad],
      [1_900, good],
    ],
    ['suspect', 'suspect', 'suspect'],
  ],
  [
    4,
    'an infrastructure failure between them makes it two new ones',
    SUSPECT,
    [
      [1_300, good],
      [1_400, silent],
      [1_600, good],
      [1_900, good],
    ],
    ['suspect', 'suspect', 'suspect', 'healthy'],
  ],
  [
    4,
    'a refusal for another reason does not',
    SUSPECT,
    [
      [1_300, good],
      [1_400, answered],
      [1_600, good],
    ],
    ['suspect', 'suspect', 'healthy'],
  ],
  [
    4,
    'good probes from before the suspicion do not count',
    after(HEALTHY, ...times(9, 500, good), [900, refused], [900, refused]),
    [
      [1_000, good],
      [1_300, good],
    ],
    ['suspect', 'healthy'],
  ],
  [
    5,
    'the third failed probe in a row takes a suspect region down',
    SUSPECT,
    [
      [1_300, bad],
      [1_600, bad],
    ],
    ['suspect', 'down'],
  ],
  [
    5,
    'three failed probes in a row do, of an unknown region',
    NEW,
    times(3, 0, bad),
    ['suspect', 'suspect', 'down'],
  ],
  [5, 'an ejected region goes down', EJECTED, times(3, 2_000, bad), ['ejected', 'ejected', 'down']],
  [
    5,
    'a draining region goes down',
    DRAINING,
    times(3, 2_000, bad),
    ['draining', 'draining', 'down'],
  ],
  [
    5,
    'a good probe begins the count anew',
    EJECTED,
    [
      [2_000, bad],
      [2_300, bad],
      [2_600, good],
      [2_900, bad],
    ],
    ['ejected', 'ejected', 'ejected', 'ejected'],
  ],
  [
    6,
    'the fifth infrastructure failure in a row ejects',
    HEALTHY,
    times(5, 0, silent),
    ['healthy', 'healthy', 'healthy', 'healthy', 'ejected'],
  ],
  [
    6,
    'five failed connections eject a region that two made suspect',
    HEALTHY,
    times(5, 0, refused),
    ['healthy', 'suspect', 'suspect', 'suspect', 'ejected'],
  ],
  [6, 'an answer ejects nobody', after(HEALTHY, ...mixed(19)), [[0, answered]], ['healthy']],
  [
    6,
    'half of twenty attempts eject',
    after(HEALTHY, ...mixed(19), [0, answered]),
    [[0, silent]],
    ['ejected'],
  ],
  [
    7,
    'a lane that does not accept for 15 s takes a healthy region down',
    HEALTHY,
    [
      [1_000, shut],
      [15_999, shut],
      [16_000, shut],
    ],
    ['healthy', 'healthy', 'down'],
  ],
  [
    7,
    'it takes a suspect region down',
    after(HEALTHY, [1_000, shut], [15_000, bad]),
    [[16_000, time]],
    ['down'],
  ],
  [
    7,
    'a lane that accepts once in between does not',
    HEALTHY,
    [
      [1_000, shut],
      [10_000, good],
      [11_000, shut],
      [25_999, shut],
    ],
    ['healthy', 'healthy', 'healthy', 'healthy'],
  ],
  [
    7,
    'the durable lane alone takes nobody down',
    HEALTHY,
    [
      [0, { ...good, accepts: { interactive: true, durable: false } }],
      [99_000, time],
    ],
    ['healthy', 'healthy'],
  ],
  [8, 'a healthy region says that it drains', HEALTHY, [[1_000, ending]], ['draining']],
  [8, 'a suspect one says so', SUSPECT, [[1_300, ending]], ['draining']],
  [8, 'an unknown one says so', NEW, [[0, ending]], ['draining']],
  [8, 'an operator drains a healthy one', HEALTHY, [[1_000, drain]], ['draining']],
  [8, 'an operator drains a suspect one', SUSPECT, [[1_300, drain]], ['draining']],
]

const BACK: readonly Row[] = [
  [8, 'one that is being tried says that it drains', PROBING, [[18_000, ending]], ['draining']],
  [8, 'an operator drains one that is being tried', PROBING, [[18_000, drain]], ['draining']],
  [
    8,
    'a region that is down is drained when it comes back',
    after(DOWN, [3_000, drain]),
    [
      [14_000, good],
      [15_500, good],
      [17_000, good],
      [17_500, time],
    ],
    ['down', 'down', 'probing', 'draining'],
  ],
  [
    9,
    'a region that no longer says so is healthy at once',
    DRAINING,
    [
      [2_000, ending],
      [3_000, good],
    ],
    ['draining', 'healthy'],
  ],
  [
    9,
    'what an operator drained is not healthy before he says so and a probe is good',
    after(HEALTHY, [1_000, drain]),
    [
      [2_000, good],
      [3_000, undrain],
      [3_100, time],
      [4_000, good],
    ],
    ['draining', 'draining', 'draining', 'healthy'],
  ],
  [
    10,
    'three good probes over 3 s and 15 s after the last failed one',
    DOWN,
    [
      [14_000, good],
      [15_500, good],
      [16_999, good],
      [17_000, good],
    ],
    ['down', 'down', 'down', 'probing'],
  ],
  [
    10,
    'the end of the hold-down needs no further probe',
    after(DOWN, [4_000, good], [5_500, good], [7_000, good]),
    [
      [16_999, time],
      [17_000, time],
    ],
    ['down', 'probing'],
  ],
  [
    10,
    'three good probes within less than 3 s are not enough',
    DOWN,
    [
      [20_000, good],
      [21_000, good],
      [22_999, good],
      [23_000, good],
    ],
    ['down', 'down', 'down', 'probing'],
  ],
  [
    10,
    'two good probes over 3 s are not enough',
    DOWN,
    [
      [20_000, good],
      [23_000, good],
      [99_000, time],
    ],
    ['down', 'down', 'down'],
  ],
  [
    10,
    'a failed probe begins the hold-down anew',
    after(DOWN, [14_000, good], [15_500, bad]),
    [
      [27_000, good],
      [28_500, good],
      [30_000, good],
      [30_500, good],
    ],
    ['down', 'down', 'down', 'probing'],
  ],
  [
    10,
    'a region that is down because of its lane waits for the lane',
    LANE_DOWN,
    [
      ...[16_000, 18_000, 31_000].map((atMs) => [atMs, shut] as const),
      ...[32_000, 34_000, 45_999, 46_000].map((atMs) => [atMs, good] as const),
    ],
    ['down', 'down', 'down', 'down', 'down', 'down', 'probing'],
  ],
  [
    11,
    'the ejection time is over and the last probe was good',
    EJECTED,
    [
      [30_000, good],
      [30_999, time],
      [31_000, time],
    ],
    ['ejected', 'ejected', 'probing'],
  ],
  [
    11,
    'not when the last probe failed',
    EJECTED,
    [
      [30_000, good],
      [30_500, bad],
      [31_000, time],
      [31_500, good],
    ],
    ['ejected', 'ejected', 'ejected', 'probing'],
  ],
  [
    11,
    'not when nobody has asked since',
    after(HEALTHY, ...times(5, 1_000, silent)),
    [[99_000, time]],
    ['ejected'],
  ],
  [
    12,
    'the third trial request that starts well is enough',
    PROBING,
    [...times(3, 17_100, begins), ...times(3, 17_200, starts(PROBING.state))],
    ['probing', 'probing', 'probing', 'probing', 'probing', 'healthy'],
  ],
  [
    12,
    '5 s without a failure are enough where fewer were on offer',
    PROBING,
    [
      [17_100, begins],
      [21_999, good],
      [22_000, time],
    ],
    ['probing', 'probing', 'healthy'],
  ],
  [
    12,
    'not while all three are under way',
    PROBING,
    [...times(3, 17_100, begins), [30_000, good]],
    ['probing', 'probing', 'probing', 'probing'],
  ],
  [
    12,
    'one that came to nothing is given back',
    PROBING,
    [...times(3, 17_100, begins), [30_000, ended('reached', PROBING.state)]],
    ['probing', 'probing', 'probing', 'healthy'],
  ],
  [
    12,
    'a start of an older attempt is no trial',
    PROBING,
    times(3, 17_200, starts(HEALTHY.state)),
    ['probing', 'probing', 'probing'],
  ],
  [13, 'one failed probe ends the trial', PROBING, [[17_100, bad]], ['down']],
  [
    13,
    'one infrastructure failure of a trial request ejects',
    PROBING,
    [
      [17_100, begins],
      [17_200, ended('connection', PROBING.state)],
    ],
    ['probing', 'ejected'],
  ],
  [
    13,
    'where too many are ejected already it goes down instead',
    PROBING,
    [[17_200, ended('connection', PROBING.state), { mayEject: false }]],
    ['down'],
  ],
  [
    13,
    'failures of older attempts say nothing of the trial',
    PROBING,
    times(9, 17_200, silent),
    Array.from({ length: 9 }, () => 'probing' as const),
  ],
]

const NOBODY = { isAnyInRotation: false }
const WAIVERS: readonly Row[] = [
  [
    14,
    'where nobody is in rotation three good probes over 3 s are enough after a loss',
    DOWN,
    [
      [3_000, good, NOBODY],
      [4_500, good, NOBODY],
      [6_000, good, NOBODY],
    ],
    ['down', 'down', 'probing'],
  ],
  [
    14,
    'they are enough after an ejection, too',
    EJECTED,
    [
      [3_000, good, NOBODY],
      [4_500, good, NOBODY],
      [6_000, good, NOBODY],
    ],
    ['ejected', 'ejected', 'probing'],
  ],
  [
    14,
    'two are not',
    DOWN,
    [
      [3_000, good, NOBODY],
      [9_000, good, NOBODY],
    ],
    ['down', 'down'],
  ],
  [
    14,
    'not where anybody is in rotation',
    DOWN,
    [
      [3_000, good],
      [4_500, good],
      [6_000, good],
    ],
    ['down', 'down', 'down'],
  ],
  [
    14,
    'a panic attempt that starts well is enough',
    DOWN,
    [[3_000, starts(DOWN.state), NOBODY]],
    ['probing'],
  ],
  [14, 'at an ejected region, too', EJECTED, [[3_000, starts(EJECTED.state), NOBODY]], ['probing']],
  [
    14,
    'an attempt from before the loss is none',
    DOWN,
    [[3_000, starts(HEALTHY.state), NOBODY]],
    ['down'],
  ],
  [14, 'nor where anybody is in rotation', DOWN, [[3_000, starts(DOWN.state)]], ['down']],
]

for (const [row, situation, start, steps, kinds] of [...FROM_ROTATION, ...BACK, ...WAIVERS]) {
  test(`row ${row}: ${situation}`, () => {
    assert.deepEqual(kindsOf(start, steps), kinds)
  })
}

/** Failures and answers in turn, the first a failure. */
function mixed(count: number): Step[] {
  return Array.from({ length: count }, (_, at) => [0, at % 2 === 0 ? silent : answered] as const)
}

const PRIORS: readonly [kind: Kind, ageMs: number, taken: Kind][] = [
  ['healthy', 5_000, 'healthy'],
  ['suspect', 0, 'suspect'],
  ['down', 0, 'down'],
  ['ejected', 0, 'ejected'],
  ['probing', 0, 'probing'],
  ['draining', 0, 'draining'],
  ['healthy', 5_001, 'suspect'],
  ['down', 5_001, 'suspect'],
]

for (const [kind, ageMs, taken] of PRIORS) {
  test(`row 1: a shared view that says ${kind}, ${ageMs} ms old, makes it ${taken}`, () => {
    const { state } = healthAfter({ kind, ageMs }, 70, LIMITS)

    assert.deepEqual([state.kind, state.sinceMs], [taken, 70])
  })
}

test('row 1: a region that the others have lost is held down here, too', () => {
  const down = healthAfter({ kind: 'down', ageMs: 0 }, 0, LIMITS)
  const probes = [1_000, 3_000, 14_999, 15_000].map((atMs) => [atMs, good] as const)

  assert.deepEqual(kindsOf(down, probes), ['down', 'down', 'down', 'probing'])
})

test('row 1: a region that the others have ejected stays so for the shortest time', () => {
  const { state } = healthAfter({ kind: 'ejected', ageMs: 0 }, 1_000, LIMITS)

  assert.deepEqual(state, { kind: 'ejected', sinceMs: 1_000, untilMs: 31_000 })
})

const SPARED = { mayEject: false }

test('row 6: a region that the fleet cannot do without is suspect, as long as it goes on', () => {
  const spared = after(
    HEALTHY,
    ...times(5, 1_000, silent).map(([at, e]) => [at, e, SPARED] as const),
  )
  const still = after(spared, [1_300, good], [1_400, silent, SPARED], [1_600, good])

  assert.deepEqual(spared.state, { kind: 'suspect', sinceMs: 1_000, cause: 'spared' })
  assert.equal(still.state, spared.state)
  assert.equal(after(still, [1_900, good]).state.kind, 'healthy')
  assert.equal(after(still, [1_700, silent]).state.kind, 'ejected')
})

test('rows 2 and 4: a region that was only suspected has no ramp', () => {
  const cleared = after(SUSPECT, [1_300, good], [1_600, good])

  assert.deepEqual([HEALTHY.rampSinceMs, cleared.rampSinceMs], [undefined, undefined])
})

test('rows 9 and 12: the ramp begins when the region is healthy again', () => {
  const undrained = after(DRAINING, [3_000, good])
  const tried = after(PROBING, [22_000, time])

  assert.deepEqual([undrained.rampSinceMs, tried.rampSinceMs], [3_000, 22_000])
})

test('a suspicion does not end a ramp, and a departure does', () => {
  const tried = after(PROBING, [22_000, time])
  const suspect = after(tried, [23_000, bad])

  assert.equal(suspect.rampSinceMs, 22_000)
  assert.equal(after(suspect, [23_300, bad], [23_600, bad]).rampSinceMs, undefined)
})

test('row 7: a lane that comes back in time has a ramp of its own, and its region none', () => {
  const { state, lanes, rampSinceMs } = after(HEALTHY, [1_000, shut], [9_000, good])

  assert.equal(state.kind, 'healthy')
  assert.deepEqual(lanes.interactive, { kind: 'accepting', refusals: 0, rampSinceMs: 9_000 })
  assert.equal(rampSinceMs, undefined)
})

test('two refusals of a lane shut it until the next report, in every state', () => {
  const refusal = ended('not-accepting')
  const refusing = [HEALTHY, SUSPECT, DRAINING].map((start) =>
    after(start, [2_000, refusal], [2_000, refusal]),
  )

  for (const health of refusing) {
    assert.deepEqual(health.lanes.interactive, { kind: 'refusing', sinceMs: 2_000 })
    assert.equal(health.lanes.durable.kind, 'accepting')
    assert.equal(after(health, [2_500, good]).lanes.interactive.kind, 'accepting')
  }
})

test('a trial that met a shut lane has tried nothing, and says that it is shut', () => {
  const refusal = ended('not-accepting', PROBING.state)

  const { state, lanes } = after(PROBING, ...times(2, 17_100, begins), ...times(2, 17_200, refusal))

  assert.deepEqual(state, PROBING.state)
  assert.equal(lanes.interactive.kind, 'refusing')
})

test('more trials than there were to give are not given back beyond the limit', () => {
  const { state } = after(
    PROBING,
    ...times(5, 17_100, begins),
    ...times(5, 17_200, ended(undefined, PROBING.state)),
  )

  assert.deepEqual(state, PROBING.state)
})

test('row 13: each ejection is longer than the one before', () => {
  const again = after(
    EJECTED,
    [30_000, good],
    [31_000, time],
    [31_100, ended('connection', { kind: 'probing', sinceMs: 31_000 })],
  )

  assert.deepEqual(EJECTED.state, { kind: 'ejected', sinceMs: 1_000, untilMs: 31_000 })
  assert.deepEqual(again.state, { kind: 'ejected', sinceMs: 31_100, untilMs: 91_100 })
})

test('row 13: good probes from before the trial do not waive its ejection', () => {
  const ejected = after(PROBING, [17_100, ended('connection', PROBING.state)])

  assert.equal(after(ejected, [17_400, good, NOBODY]).state.kind, 'ejected')
})

test('five minutes in good health take one ejection off the count', () => {
  const healthy = after(EJECTED, [30_000, good], [31_000, time], [36_000, time])

  const later = after(healthy, ...times(5, 336_000, silent))

  assert.deepEqual(later.state, { kind: 'ejected', sinceMs: 336_000, untilMs: 366_000 })
})

/** Loses a healthy region by probes within 2 s. */
function lost(health: RegionHealth, atMs: number): RegionHealth {
  return after(health, ...times(3, atMs, bad))
}

/** Asks once a second, and says when the region is healthy again. */
function healthyAgain(lostHealth: RegionHealth, fromMs: number): [RegionHealth, number] {
  let health = lostHealth
  let nowMs = fromMs
  while (health.state.kind !== 'healthy') {
    nowMs += 1_000
    health = after(health, [nowMs, good])
  }
  return [health, nowMs]
}

test('a region that comes and goes is held down longer from the fourth time on', () => {
  const awayMs: number[] = []
  let health = HEALTHY
  let nowMs = 0
  for (let departure = 1; departure <= 5; departure++) {
    const [back, backMs] = healthyAgain(lost(health, nowMs), nowMs)
    awayMs.push(backMs - nowMs)
    health = back
    nowMs = backMs
  }

  // Hold-down and 5 s of trial.
  assert.deepEqual(awayMs, [20_000, 20_000, 20_000, 35_000, 65_000])
})

test('what an event does not change is the same object', () => {
  assert.equal(after(HEALTHY, [1_000, time]), HEALTHY)
  assert.equal(after(HEALTHY, [1_000, begins]), HEALTHY)
  assert.equal(after(HEALTHY, [1_000, starts(HEALTHY.state)]), HEALTHY)
  assert.equal(after(HEALTHY, [1_000, ended(undefined)]), HEALTHY)
  assert.equal(after(HEALTHY, [1_000, undrain]), HEALTHY)
  assert.equal(after(HEALTHY, [1_000, answered]).state, HEALTHY.state)
  assert.equal(after(HEALTHY, [1_000, answered]).lanes, HEALTHY.lanes)
})
