// The table of routing.md, section 21: what was specified, and what is measured now.

import { playQueueing, type QueueingOptions } from './queueing-world.ts'
import type { StrategyName } from './strategies.ts'

/** Every row is played with so many seeds, and every one of them has to pass. */
export const SEEDS = 30

/** The bounds of the column "pass, every seed"; the last rate has none for the share. */
export const LOAD_ROWS: readonly {
  readonly requestsPerSecond: number
  readonly waitSecondsP99Max: number
  readonly nearestShareMin: number
}[] = [
  { requestsPerSecond: 7, waitSecondsP99Max: 0.05, nearestShareMin: 0.84 },
  { requestsPerSecond: 9, waitSecondsP99Max: 0.05, nearestShareMin: 0.72 },
  { requestsPerSecond: 12, waitSecondsP99Max: 0.05, nearestShareMin: 0.58 },
  { requestsPerSecond: 18, waitSecondsP99Max: 0.15, nearestShareMin: 0.4 },
  { requestsPerSecond: 24, waitSecondsP99Max: 0.9, nearestShareMin: 0.34 },
  { requestsPerSecond: 27, waitSecondsP99Max: 1.9, nearestShareMin: 0 },
]

/** The rates of the rows about overload. All regions together serve 30 requests per second. */
export const OVERLOAD_RATES = [24, 27, 30, 36, 60, 90] as const
export const OVERLOAD_QUEUE_LIMIT = 10
export const OVERLOAD_WAIT_SECONDS_MAX = 2.2

/** The part that may be refused: what nobody could have served, and a little more. */
export function refusedShareMax(requestsPerSecond: number): number {
  return Math.max(0.01, 1 - 30 / requestsPerSecond + 0.08)
}

/** The runs of one row, in order of the seeds. */
export interface Row {
  readonly waitSecondsP99: Spread
  readonly nearestShare: Spread
  readonly refusedShare: Spread
}

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  /** Every seed's value, the least first. */
  readonly sorted: readonly number[]
}

/** Plays one row with all seeds. */
export function playRow(options: Omit<QueueingOptions, 'seed'>, firstSeed = 1): Row {
  const runs = Array.from({ length: SEEDS }, (_, at) =>
    playQueueing({ ...options, seed: firstSeed + at }),
  )
  return {
    waitSecondsP99: spreadOf(runs.map(({ waitSecondsP99 }) => waitSecondsP99)),
    nearestShare: spreadOf(runs.map(({ nearestShare }) => nearestShare)),
    refusedShare: spreadOf(runs.map(({ refusedShare }) => refusedShare)),
  }
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN, sorted }
}

const COLUMNS: readonly StrategyName[] = [
  'nearest-only',
  'least-loaded',
  'without-delta',
  'with-delta',
]

/** The measured table, as markdown. Entries as in the specification. */
export function queueingTable(): string {
  const rows = LOAD_ROWS.map(({ requestsPerSecond }) => {
    const cells = COLUMNS.map((strategy) => {
      const { waitSecondsP99, nearestShare } = playRow({ strategy, requestsPerSecond })
      const wait = `${seconds(waitSecondsP99.median)} / ${seconds(waitSecondsP99.most)}`
      return `${wait} (${percent(nearestShare.median)})`
    })
    return `| ${requestsPerSecond} | ${cells.join(' | ')} |`
  })
  return [
    '| req/s | nearest only | least loaded, reports as they are ' +
      '| waterfall without the delta | waterfall with delta |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** The measured rows about overload, as markdown. */
export function overloadTable(): string {
  const rows = OVERLOAD_RATES.map((requestsPerSecond) => {
    const { waitSecondsP99, refusedShare } = playOverload(requestsPerSecond)
    const refused = `${percent(refusedShare.median, 1)} / ${percent(refusedShare.most, 1)}`
    const wait = `${seconds(waitSecondsP99.median)} / ${seconds(waitSecondsP99.most)}`
    const allowed = percent(refusedShareMax(requestsPerSecond), 1)
    return `| ${requestsPerSecond} | ${refused} | ${allowed} | ${wait} |`
  })
  return [
    '| req/s | refused, median / worst | pass | p99 wait of the served in s |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** One row about overload: a queue that refuses, and one hop. */
export function playOverload(requestsPerSecond: number): Row {
  const queueLimit = OVERLOAD_QUEUE_LIMIT
  return playRow({ strategy: 'with-delta', requestsPerSecond, queueLimit })
}

function seconds(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(2)
}

function percent(share: number, digits = 0): string {
  return `${(100 * share).toFixed(digits)} %`
}
