// The scale run: who is compared, over which time, and what is made of a run.

import { clairvoyant, lowerBound, type Outcome } from './clairvoyant.ts'
import { type Demand, drawDemand } from './demand.ts'
import { drawMap, type ScaleMap } from './scale-map.ts'
import { playScale, type ScaleOptions, type ScaleResult } from './scale-world.ts'

export interface ScaleSize {
  readonly seed: number
  readonly regions: number
  readonly gateways: number
  readonly requestsPerSecond: number
  readonly serviceMeanMs: number
  /** Slots fill up until then, from empty. */
  readonly measuredFromMs: number
  readonly lossAtMs: number
  readonly untilMs: number
}

/** 81 % of all slots are busy, and at home 64 of the 200 regions would not do. */
export const FULL_SIZE: ScaleSize = {
  seed: 1,
  regions: 200,
  gateways: 20,
  requestsPerSecond: 28_000,
  serviceMeanMs: 1_500,
  measuredFromMs: 4_000,
  lossAtMs: 8_000,
  untilMs: 11_000,
}

export type Variant =
  | { readonly name: string; readonly kind: 'lower-bound' }
  | { readonly name: string; readonly kind: 'clairvoyant' }
  | ({ readonly name: string; readonly kind: 'gateways' } & Pick<
      ScaleOptions,
      'strategy' | 'clientsOf' | 'liveGateways'
    >)

/** All that are compared, the two that know everything first. */
export const VARIANTS: readonly Variant[] = [
  { name: 'lower bound', kind: 'lower-bound' },
  { name: 'clairvoyant', kind: 'clairvoyant' },
  gateways('nearest only', 'nearest-only', 'any', 20),
  gateways('least loaded', 'least-loaded', 'any', 20),
  gateways('decide, clients at any gateway, E = 20', 'with-delta', 'any', 20),
  gateways('decide, clients at the nearest gateway, E = 20', 'with-delta', 'nearest', 20),
  gateways('decide, clients at the nearest gateway, E = 1', 'with-delta', 'nearest', 1),
]

function gateways(
  name: string,
  strategy: ScaleOptions['strategy'],
  clientsOf: ScaleOptions['clientsOf'],
  liveGateways: number,
): Variant {
  return { name, kind: 'gateways', strategy, clientsOf, liveGateways }
}

/** One row of the result. Times in ms; start is travel and wait together. */
export interface VariantResult {
  readonly name: string
  readonly localShare: number
  readonly waitP50: number
  readonly waitP99: number
  readonly startMean: number
  readonly startP99: number
  readonly refusedShare: number
  /** Of the requests of the two seconds after the loss. */
  readonly startMeanAfterLoss: number
  readonly loss:
    | undefined
    | {
        readonly resent: number
        readonly broken: number
        readonly failed: number
        readonly addedP50: number
        readonly addedP99: number
      }
}

/** Plays one variant. */
export function playVariant(variant: Variant, size: ScaleSize): VariantResult {
  const map = drawMap(size.seed, size.regions)
  const demand = drawDemand(map, size)
  const outcome = outcomeOf(variant, map, demand, size)
  const { measuredFromMs, lossAtMs } = size
  // The last second before the loss is left out: who waits then may be waiting at the lost region.
  const before = between(map, demand, outcome, {
    fromMs: measuredFromMs,
    untilMs: lossAtMs - 1_000,
  })
  const after = between(map, demand, outcome, { fromMs: lossAtMs, untilMs: lossAtMs + 2_000 })
  const loss = 'loss' in outcome ? outcome.loss : undefined
  return {
    name: variant.name,
    localShare: before.localShare,
    waitP50: quantile(before.waits, 0.5),
    waitP99: quantile(before.waits, 0.99),
    startMean: meanOf(before.starts),
    startP99: quantile(before.starts, 0.99),
    refusedShare: before.refusedShare,
    startMeanAfterLoss: meanOf(after.starts),
    loss: loss && {
      resent: loss.resent,
      broken: loss.broken,
      failed: loss.failed,
      addedP50: quantile(loss.addedMs, 0.5),
      addedP99: quantile(loss.addedMs, 0.99),
    },
  }
}

function outcomeOf(
  variant: Variant,
  map: ScaleMap,
  demand: Demand,
  size: ScaleSize,
): Outcome | ScaleResult {
  if (variant.kind !== 'gateways') {
    return variant.kind === 'clairvoyant' ? clairvoyant(map, demand) : lowerBound(map, demand)
  }
  const most = Math.max(...map.sites.map(({ slots }) => slots))
  const lostSite = map.sites.findIndex(({ slots }) => slots === most)
  return playScale(map, demand, { ...size, ...variant, lostSite })
}

interface Window {
  readonly fromMs: number
  readonly untilMs: number
}

function between(map: ScaleMap, demand: Demand, outcome: Outcome, { fromMs, untilMs }: Window) {
  const [waits, starts]: [number[], number[]] = [[], []]
  let [local, refused] = [0, 0]
  for (const [request, atMs] of demand.atMs.entries()) {
    if (atMs < fromMs || atMs >= untilMs) continue
    const waitMs = outcome.waitMs[request] ?? 0
    if (Number.isNaN(waitMs)) {
      refused += 1
      continue
    }
    waits.push(waitMs)
    starts.push(waitMs + (outcome.travelMs[request] ?? 0))
    if (outcome.site[request] === map.nearest[demand.place[request] ?? 0]) local += 1
  }
  const refusedShare = refused / (refused + waits.length)
  return { waits, starts, localShare: local / waits.length, refusedShare }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** 0 where there are no values. */
function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0
}
