// Plays the simulations and prints what they came to:
//   node test/simulation/main.ts                      the report that docs/simulation.md holds
//   node test/simulation/main.ts invariants 10000 7   so many seeds, from the seventh on

import { availableParallelism } from 'node:os'
import { playSeeds } from './play-seeds.ts'
import { queueingReport, scaleReport } from './report.ts'

const [, , command = 'report', count = '10000', first = '1'] = process.argv

if (command === 'invariants') {
  const range = { first: Number(first), count: Number(count) }
  const { seeds, faults, requests, answered, checks, violations } = await playSeeds(
    range,
    availableParallelism(),
  )
  console.log(`${seeds} seeds, ${faults} faults, ${requests} requests, ${answered} answered`)
  for (const [number, times] of [...checks].sort(([a], [b]) => a - b)) {
    console.log(`invariant ${number}: looked at ${times} times`)
  }
  console.log(violations.length === 0 ? 'all hold' : violations.slice(0, 100).join('\n'))
  process.exitCode = violations.length === 0 ? 0 : 1
} else {
  console.log(queueingReport())
  console.log(`\n### At full size\n\n${await scaleReport()}`)
}
