// What the simulations came to, as markdown: the tables and plots of `docs/simulation.md`.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { overloadTable, queueingTable } from './queueing-table.ts'
import { VARIANTS, type VariantResult } from './scale-variants.ts'

/** Plays the table of section 21. Takes some ten seconds. */
export function queueingReport(): string {
  return [
    '### Waits and the share of the nearest region',
    queueingTable(),
    '### Overload, with a queue of 10 and one hop',
    overloadTable(),
  ].join('\n\n')
}

/** Plays the scale run, a thread for each core. Takes some minutes. */
export async function scaleReport(): Promise<string> {
  const results: VariantResult[] = []
  const left = [...VARIANTS.keys()]
  const playOn = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      results[at] = await playOnThread(at)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, playOn))
  return scaleTables(results)
}

function playOnThread(variant: number): Promise<VariantResult> {
  const { promise, resolve, reject } = Promise.withResolvers<VariantResult>()
  const url = new URL('./scale-worker.ts', import.meta.url)
  const worker = new Worker(url, { workerData: variant })
  worker.once('message', resolve)
  worker.once('error', reject)
  return promise
}

/** The results of a scale run as tables and a plot, the lower bound first. */
export function scaleTables(results: readonly VariantResult[]): string {
  const leastMs = results[0]?.startMean ?? Number.NaN
  const rows = results.map((row) => [
    row.name,
    ms(row.startMean),
    (row.startMean / leastMs).toFixed(1),
    ms(row.startP99),
    percent(row.localShare),
    percent(1 - row.localShare),
    `${ms(row.waitP50)} / ${ms(row.waitP99)}`,
    percent(row.refusedShare),
  ])
  const losses = results.flatMap(({ name, loss, startMean, startMeanAfterLoss }) =>
    loss === undefined
      ? []
      : [
          [
            name,
            String(loss.resent),
            String(loss.failed),
            String(loss.broken),
            `${ms(loss.addedP50)} / ${ms(loss.addedP99)}`,
            `${ms(startMean)} → ${ms(startMeanAfterLoss)}`,
          ],
        ],
  )
  return [
    table(
      [
        ...['strategy', 'mean to start, ms', 'times the lower bound', 'p99 to start, ms'],
        ...['served locally', 'spilled', 'wait p50 / p99, ms', 'refused'],
      ],
      rows,
    ),
    plot(results),
    table(
      [
        ...['strategy', 'sent again', 'failed', 'running streams cut'],
        ...['time to start of those sent again, p50 / p99, ms', 'mean to start before → after, ms'],
      ],
      losses,
    ),
  ].join('\n\n')
}

const BAR_COLUMNS = 40

/** A bar for each result, by the logarithm, because the worst is a hundred times the best. */
function plot(results: readonly VariantResult[]): string {
  const most = Math.max(...results.map(({ startMean }) => Math.log(1 + startMean)))
  const width = Math.max(...results.map(({ name }) => name.length))
  const bars = results.map(({ name, startMean }) => {
    const columns = Math.max(1, Math.round((BAR_COLUMNS * Math.log(1 + startMean)) / most))
    return `${name.padEnd(width)} ${'█'.repeat(columns)} ${ms(startMean)} ms`
  })
  return ['```text', ...bars, '```'].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function ms(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
