// What one seed means: a small world, who asks in it, and what breaks in it and when.

import type { Region } from '../../gateway/regions/region.ts'
import { regionOf } from '../support/decision-world.ts'
import { Random } from './random.ts'

/**
 * `killed`: connections are refused and lost. `frozen`: nothing answers any more. `cuts`: probes
 * pass and most attempts break. `drains`: it says that it finishes. `lane-lost`: it takes no work.
 * `lies`: its reports are replayed, foreign, impossible or boastful. `deaf`: half the probes are
 * lost.
 */
export type FaultKind = 'killed' | 'frozen' | 'cuts' | 'drains' | 'lane-lost' | 'lies' | 'deaf'

export interface RegionFault {
  readonly region: number
  readonly kind: FaultKind
  readonly fromMs: number
  readonly untilMs: number
}

/** A gateway that does nothing for a while: stopped, or collecting garbage. */
export interface Pause {
  readonly gateway: number
  readonly fromMs: number
  readonly untilMs: number
}

export interface RegionPlan {
  readonly site: Region
  readonly slots: number
  readonly queueLimit: number
  readonly models: readonly string[]
  /** To each gateway and back, in ms. */
  readonly roundTripMs: number
}

export interface WorldPlan {
  readonly seed: number
  readonly regions: readonly RegionPlan[]
  readonly gateways: number
  readonly faults: readonly RegionFault[]
  readonly pauses: readonly Pause[]
  readonly requestEveryMs: number
  readonly serviceMeanMs: number
  /** Faults end by then; requests are made for a little longer. */
  readonly troubleMs: number
}

export const RESIDENCY_TAGS = ['eu', 'us'] as const
export const MODELS = ['small:latest', 'large:latest'] as const

const FAULT_KINDS: readonly FaultKind[] = [
  'killed',
  'frozen',
  'cuts',
  'drains',
  'lane-lost',
  'lies',
  'deaf',
]

/** Draws a world of 2 to 6 regions and 1 to 3 gateways that is troubled for 30 to 60 s. */
export function planWorld(seed: number): WorldPlan {
  const random = new Random(seed)
  const troubleMs = random.between(30_000, 60_000)
  const isCrowded = random.chance(0.25)
  const regions = Array.from({ length: 2 + random.below(5) }, (_, at) =>
    planRegion(at, isCrowded ? 2 : 12, random),
  )
  const gateways = 1 + random.below(3)
  return {
    seed,
    regions,
    gateways,
    faults: random.chance(0.2)
      ? planBlackout(regions.length, troubleMs, random)
      : planFaults(regions.length, troubleMs, random),
    pauses: random.chance(0.3) ? [planPause(gateways, troubleMs, random)] : [],
    requestEveryMs: isCrowded ? random.between(40, 120) : random.between(60, 500),
    serviceMeanMs: random.between(200, 3_000),
    troubleMs,
  }
}

function planRegion(at: number, slotsMax: number, random: Random): RegionPlan {
  const slots = 1 + random.below(slotsMax)
  const id = `region-${at}`
  const region = {
    residencyTags: RESIDENCY_TAGS.filter(() => random.chance(0.6)),
    bias: random.chance(0.2) ? random.below(60) - 30 : 0,
    admin: random.chance(0.06) ? ('drain' as const) : ('active' as const),
    maxSlots: 16,
  }
  return {
    site: regionOf({ id, lat: random.between(-60, 60), lon: random.between(-180, 180), region }),
    slots,
    queueLimit: Math.max(8, Math.ceil(0.5 * slots)),
    models: random.chance(0.7) ? MODELS : [random.pick(MODELS)],
    roundTripMs: random.between(2, 250),
  }
}

function planFaults(regions: number, troubleMs: number, random: Random): RegionFault[] {
  return Array.from({ length: random.below(8) }, () => {
    const fromMs = random.between(0, troubleMs)
    // Many are short, so that some regions flap.
    const forMs = random.chance(0.6) ? random.between(200, 5_000) : random.between(5_000, 40_000)
    return {
      region: random.below(regions),
      kind: random.pick(FAULT_KINDS),
      fromMs,
      untilMs: Math.min(troubleMs, fromMs + forMs),
    }
  })
}

/** All regions are lost at about the same time, and come back one by one. */
function planBlackout(regions: number, troubleMs: number, random: Random): RegionFault[] {
  const fromMs = random.between(2_000, troubleMs / 3)
  return Array.from({ length: regions }, (_, region) => ({
    region,
    kind: random.chance(0.5) ? ('killed' as const) : ('frozen' as const),
    fromMs: fromMs + random.between(0, 2_000),
    untilMs: random.between(fromMs + 4_000, troubleMs),
  }))
}

function planPause(gateways: number, troubleMs: number, random: Random): Pause {
  const fromMs = random.between(1_000, troubleMs - 5_000)
  return {
    gateway: random.below(gateways),
    fromMs,
    untilMs: fromMs + random.between(200, 12_000),
  }
}
