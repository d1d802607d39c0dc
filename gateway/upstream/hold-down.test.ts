import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterDeparture, type HoldDown, holdDownMs, NO_DEPARTURES } from './hold-down.ts'

const LIMITS = { holdDownMs: 15, holdDownMaxMs: 300, flapsMax: 3, flapWindowMs: 1_000 }

function departedAt(...timesMs: readonly number[]): HoldDown {
  return timesMs.reduce((before, atMs) => afterDeparture(before, atMs, LIMITS), NO_DEPARTURES)
}

const ROWS: readonly [situation: string, departuresMs: number[], nowMs: number, heldMs: number][] =
  [
    ['a region that never left is held for the shortest time', [], 0, 15],
    ['the first departure does not make it longer', [0], 0, 15],
    ['nor does the third in the window', [0, 1, 2], 2, 15],
    ['the fourth in the window doubles it', [0, 1, 2, 3], 3, 30],
    ['each further one doubles it again', [0, 1, 2, 3, 4, 5], 5, 120],
    ['it is never longer than the most', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 9, 300],
    ['departures that are spread out are no flapping', [0, 400, 800, 1_200, 1_600], 1_600, 15],
    ['the fourth counts until the first has left the window', [0, 1, 2, 999], 999, 30],
    ['and no longer', [0, 1, 2, 1_000], 1_000, 15],
    ['it stays long while departures go on, however slowly', [0, 1, 2, 3, 1_002], 2_001, 30],
    ['it stays long for the whole window', [0, 1, 2, 3], 1_002, 30],
    ['a window without a departure makes it short again', [0, 1, 2, 3], 1_003, 15],
    ['and what was before it is forgotten', [0, 1, 2, 3, 1_003, 1_004, 1_005], 1_005, 15],
  ]

for (const [situation, departuresMs, nowMs, heldMs] of ROWS) {
  test(situation, () => {
    assert.equal(holdDownMs(departedAt(...departuresMs), nowMs, LIMITS), heldMs)
  })
}

test('a region that flaps for ever is remembered in as much room as one that flapped once', () => {
  const times = Array.from({ length: 500 }, (_, number) => number)

  const { departuresMs } = departedAt(...times)

  assert.deepEqual(departuresMs, [496, 497, 498, 499])
})
