// Many worlds at once: each is small and knows nothing of the others, so every core can play its
// own.

import { Worker } from 'node:worker_threads'
import { playWorld } from './invariant-world.ts'

export interface PlayedSeeds {
  readonly seeds: number
  readonly requests: number
  readonly answered: number
  readonly faults: number
  /** How often each invariant was looked at, by its number. */
  readonly checks: ReadonlyMap<number, number>
  /** Each begins with the seed that it happened with. */
  readonly violations: readonly string[]
}

/** A range of seeds, as a worker is given it. */
export interface SeedRange {
  readonly first: number
  readonly count: number
}

const NOTHING: PlayedSeeds = {
  ...{ seeds: 0, requests: 0, answered: 0, faults: 0 },
  checks: new Map(),
  violations: [],
}

/** Plays a range of seeds, one after the other. */
export function playRange({ first, count }: SeedRange): PlayedSeeds {
  let sum = NOTHING
  for (let seed = first; seed < first + count; seed += 1) {
    const { plan, requests, answered, checks, violations } = playWorld(seed)
    const faults = plan.faults.length + plan.pauses.length
    sum = together(sum, { seeds: 1, requests, answered, faults, checks, violations })
  }
  return sum
}

/** Plays a range of seeds on several threads. The result does not depend on their number. */
export async function playSeeds(range: SeedRange, threads: number): Promise<PlayedSeeds> {
  const each = Math.ceil(range.count / threads)
  const parts = Array.from({ length: threads }, (_, at) => {
    const first = range.first + at * each
    return { first, count: Math.max(0, Math.min(each, range.first + range.count - first)) }
  })
  const played = await Promise.all(parts.map(playOnThread))
  return played.reduce(together, NOTHING)
}

function playOnThread(range: SeedRange): Promise<PlayedSeeds> {
  const { promise, resolve, reject } = Promise.withResolvers<PlayedSeeds>()
  const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData: range })
  worker.once('message', resolve)
  worker.once('error', reject)
  return promise
}

function together(a: PlayedSeeds, b: PlayedSeeds): PlayedSeeds {
  const checks = new Map(a.checks)
  for (const [invariant, count] of b.checks) {
    checks.set(invariant, (checks.get(invariant) ?? 0) + count)
  }
  return {
    seeds: a.seeds + b.seeds,
    requests: a.requests + b.requests,
    answered: a.answered + b.answered,
    faults: a.faults + b.faults,
    checks,
    violations: [...a.violations, ...b.violations],
  }
}
