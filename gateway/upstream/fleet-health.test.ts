import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FleetMember, isAnyInRotation, mayEject, suspectsItself } from './fleet-health.ts'
import type { HealthState } from './health-states.ts'

const LETTERS: Readonly<Record<string, Partial<FleetMember> & { kind: HealthState['kind'] }>> = {
  h: { kind: 'healthy' },
  s: { kind: 'suspect' },
  d: { kind: 'down' },
  e: { kind: 'ejected' },
  p: { kind: 'probing' },
  f: { kind: 'healthy', isAvailable: false },
  D: { kind: 'draining', isActive: false },
  E: { kind: 'ejected', isActive: false },
}

/** One region for each letter; they are called r0, r1 and so on. */
function fleetOf(letters: string): FleetMember[] {
  return [...letters].map((letter, at) => {
    const member = LETTERS[letter]
    assert.ok(member)
    return { regionId: `r${at}`, isActive: true, isAvailable: true, ...member }
  })
}

/** The question is always whether the first region may be ejected. */
const EJECTIONS: readonly [fleet: string, may: boolean, because: string][] = [
  ['h', false, 'the only region never is'],
  ['hh', true, 'of two one may be'],
  ['he', false, 'of two not the second'],
  ['hhh', true, 'of three one may be'],
  ['hhe', false, 'of three not the second: half of it is one'],
  ['hhhe', true, 'of four two may be'],
  ['hhee', false, 'of four not the third'],
  ['hhhhe', true, 'of five two may be'],
  ['hhhee', false, 'of five not the third'],
  ['hd', false, 'the last that is available never is'],
  ['hp', false, 'a region that is being tried again is not available'],
  ['hf', false, 'nor is one without room'],
  ['hs', true, 'a suspect one is'],
  ['fh', true, 'one without room may be when another has some'],
  ['ff', true, 'one without room is not the last that is available'],
  ['hDDD', false, 'drained regions do not make the share larger'],
  ['hhEEE', true, 'nor do they use it up'],
  ['ph', true, 'a trial that failed needs no other rule than the share'],
  ['phe', false, 'which holds for it, too'],
]

for (const [fleet, may, because] of EJECTIONS) {
  test(`ejecting the first of "${fleet}": ${because}`, () => {
    assert.equal(mayEject('r0', fleetOf(fleet), 0.5), may)
  })
}

test('a part of the regions that is less than one is one, where there are two', () => {
  assert.equal(mayEject('r0', fleetOf('hhhh'), 0.1), true)
  assert.equal(mayEject('r0', fleetOf('hhhe'), 0.1), false)
})

const ROTATIONS: readonly [fleet: string, isAny: boolean][] = [
  ['', false],
  ['dep', false],
  ['D', false],
  ['dh', true],
  ['ds', true],
  ['df', true],
]

for (const [fleet, isAny] of ROTATIONS) {
  test(`${isAny ? 'a' : 'no'} region of "${fleet}" is in rotation`, () => {
    assert.equal(isAnyInRotation(fleetOf(fleet)), isAny)
  })
}

const SELVES: readonly [
  situation: string,
  lost: readonly [lostAtMs: number | undefined, isHealthyElsewhere: boolean][],
  suspects: boolean,
][] = [
  [
    'loses all within 5 s while others see them healthy: it is itself',
    [
      [0, true],
      [5_000, true],
    ],
    true,
  ],
  [
    'has one left: it is not',
    [
      [0, true],
      [undefined, true],
    ],
    false,
  ],
  [
    'loses one after the other: it is not',
    [
      [0, true],
      [5_001, true],
    ],
    false,
  ],
  [
    'loses all as others do: it is not',
    [
      [0, false],
      [1, false],
    ],
    false,
  ],
  [
    'loses those at once that others have not lost long ago: it is itself',
    [
      [0, false],
      [90_000, true],
      [91_000, true],
    ],
    true,
  ],
  ['has no regions: it is not', [], false],
]

for (const [situation, lost, suspects] of SELVES) {
  test(`a gateway that ${situation}`, () => {
    const regions = lost.map(([lostAtMs, isHealthyElsewhere]) => ({ lostAtMs, isHealthyElsewhere }))

    assert.equal(suspectsItself(regions), suspects)
  })
}
