// Goal: the invariants of routing.md, section 20, hold whatever regions, clients and clocks do.
// Method: thousands of small worlds, each drawn from its seed with its faults, in which the
// gateway's own decisions, budgets, gates and states run on a played clock. A seed that breaks
// something is printed; SEED=<number> plays that one alone, and exactly so.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playWorld } from './invariant-world.ts'
import { type PlayedSeeds, playSeeds } from './play-seeds.ts'

const SEEDS = 2_000
const THREADS = 2
/** Of section 20, as far as there is code: continuations are not yet, and so their limit is not. */
const INVARIANTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

test('the invariants hold in every world', async (t) => {
  const alone = process.env.SEED
  const range = { first: Number(alone ?? 1), count: alone === undefined ? SEEDS : 1 }

  const played: PlayedSeeds = await playSeeds(range, alone === undefined ? THREADS : 1)

  const { seeds, requests, answered, faults, checks, violations } = played
  t.diagnostic(`${seeds} seeds, ${faults} faults, ${requests} requests, ${answered} answered`)
  for (const [number, count] of checks) t.diagnostic(`invariant ${number}: ${count} times`)
  const [first = ''] = violations
  const replay = `SEED=${/\d+/.exec(first)?.[0]} npm run test:simulation`
  assert.equal(violations.length, 0, `${violations.slice(0, 10).join('\n')}\nreplay: ${replay}`)
  if (alone !== undefined) return
  for (const number of INVARIANTS) assert.ok((checks.get(number) ?? 0) > SEEDS / 2, `${number}`)
  assert.ok(answered > requests / 2, 'most requests are answered in spite of it all')
})

test('a seed replays exactly, and whatever happens in it', () => {
  const { plan, ...first } = playWorld(4_711)
  const { plan: again, ...second } = playWorld(4_711)

  assert.deepEqual(second, first)
  assert.deepEqual(again, plan)
  assert.notDeepEqual(playWorld(4_712).checks, first.checks)
})

test('the number of threads changes nothing', async () => {
  const range = { first: 100, count: 5 }

  assert.deepEqual(await playSeeds(range, 2), await playSeeds(range, 1))
})
