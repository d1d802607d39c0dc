import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareDrains, type Drains, drainedIn, nextDrain } from './shared-drains.ts'
import type { DrainRecord } from './shared-view-records.ts'

const NONE: Drains = new Map()

function drains(record: Readonly<Record<string, DrainRecord>>): Drains {
  return new Map(Object.entries(record))
}

function drained(atMs: number, by = 'ops'): DrainRecord {
  return { isDrained: true, by, atMs }
}

function undrained(atMs: number, by = 'ops'): DrainRecord {
  return { isDrained: false, by, atMs }
}

test('of two words on a region the newer one is news to whoever has the other', () => {
  const older = drains({ eu: drained(1) })
  const newer = drains({ eu: undrained(2) })

  assert.deepEqual(compareDrains(older, newer), { heard: newer, untold: NONE })
  assert.deepEqual(compareDrains(newer, older), { heard: NONE, untold: newer })
})

test('the same word is no news to anybody', () => {
  const known = drains({ eu: drained(1), us: undrained(2) })

  assert.deepEqual(compareDrains(known, drains({ eu: drained(1), us: undrained(2) })), {
    heard: NONE,
    untold: NONE,
  })
})

test('a store that forgot everything is told everything, and undrains nothing', () => {
  const known = drains({ eu: drained(1), us: undrained(2) })

  assert.deepEqual(compareDrains(known, NONE), { heard: NONE, untold: known })
})

test('of a drain and its end at one moment the drain counts', () => {
  const { heard } = compareDrains(drains({ eu: undrained(1) }), drains({ eu: drained(1) }))

  assert.deepEqual(heard, drains({ eu: drained(1) }))
})

test("an operator's word is newer than one from a clock that is ahead", () => {
  const ahead = drained(5_000)

  const word = nextDrain(ahead, { isDrained: false, by: 'ops' }, 1_000)

  assert.deepEqual(word, undrained(5_001))
  assert.deepEqual(nextDrain(undefined, { isDrained: true, by: 'ops' }, 1_000), drained(1_000))
})

test('only the regions whose last word drains them are drained', () => {
  const known = drains({ eu: drained(1), us: undrained(2), ap: drained(3) })

  assert.deepEqual([...drainedIn(known).keys()], ['eu', 'ap'])
})

test('gateways that exchange what they know agree, in whatever order they meet the store', () => {
  const word = fc
    .tuple(fc.boolean(), fc.constantFrom('a', 'b'), fc.nat({ max: 3 }))
    .map(([isDrained, by, atMs]): DrainRecord => ({ isDrained, by, atMs }))
  const known = fc.dictionary(fc.constantFrom('eu', 'us'), word).map(drains)
  fc.assert(
    fc.property(fc.array(known, { minLength: 1, maxLength: 4 }), fc.nat(), (gateways, chance) => {
      const turned = gateways.map((_, at) => gateways[(at + chance) % gateways.length] ?? NONE)
      assert.deepEqual(afterTwoRounds(gateways), afterTwoRounds(turned))
    }),
  )
})

/** What the store holds when each gateway has met it twice; asserts that all know the same then. */
function afterTwoRounds(gateways: readonly Drains[]): Record<string, DrainRecord> {
  let store = NONE
  let known = gateways
  for (let round = 0; round < 2; round++) {
    known = known.map((own) => {
      const { heard, untold } = compareDrains(own, store)
      store = new Map([...store, ...untold])
      return new Map([...own, ...heard])
    })
  }
  for (const own of known) assert.deepEqual(own, store)
  return Object.fromEntries(store)
}
