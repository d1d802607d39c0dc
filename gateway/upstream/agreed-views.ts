// pure

import type { PriorView } from './next-health.ts'
import { parseView, type ViewRecord } from './shared-view-records.ts'

/** What a gateway that is alive thinks of a region. */
export interface GatewayView extends ViewRecord {
  readonly gatewayId: string
  /** Since it was written, by the clock of the store: within 0 and the time to live, in ms. */
  readonly ageMs: number
}

/** The views of live gateways, of one region or of several. */
export interface SharedViews {
  /** The live gateways, whether they said something of each region or not. */
  readonly gatewayIds: readonly string[]
  /** By region; one of which nobody says anything is missing. */
  readonly views: ReadonlyMap<string, readonly GatewayView[]>
}

export const NO_VIEWS: SharedViews = Object.freeze({ gatewayIds: [], views: new Map() })

/**
 * Puts together what was read. `values` are the views of all regions by the first gateway, then by
 * the next; `leftMs` is how long each gateway's sign of life has still to live. A gateway without
 * one is not alive, and what it wrote does not count.
 */
export function gatherViews(read: {
  readonly gatewayIds: readonly string[]
  readonly regionIds: readonly string[]
  readonly values: readonly unknown[]
  readonly leftMs: readonly (number | undefined)[]
  readonly ttlMs: number
}): SharedViews {
  const { gatewayIds, regionIds, values, leftMs, ttlMs } = read
  const views = new Map<string, GatewayView[]>()
  for (const [at, gatewayId] of gatewayIds.entries()) {
    const left = leftMs[at]
    if (left === undefined) continue
    for (const [place, regionId] of regionIds.entries()) {
      const record = parseView(values[at * regionIds.length + place])
      if (record === undefined) continue
      const view = { ...record, gatewayId, ageMs: Math.max(0, ttlMs - left) }
      const others = views.get(regionId)
      if (others === undefined) views.set(regionId, [view])
      else others.push(view)
    }
  }
  return { gatewayIds: gatewayIds.filter((_, at) => leftMs[at] !== undefined), views }
}

/** A state that more than half of the gateways see a region in. */
export interface AgreedView extends PriorView {
  /** How many of them. `ageMs` is that of the oldest of their views. */
  readonly gateways: number
}

/**
 * Finds what most gateways think of each region. A region on which no state has more than half of
 * them is missing: they disagree, or too many are silent. `except` has no say; `undefined` = all
 * do.
 */
export function agreedViews(
  { gatewayIds, views }: SharedViews,
  except?: string,
): ReadonlyMap<string, AgreedView> {
  const voters = gatewayIds.filter((gatewayId) => gatewayId !== except).length
  const agreed = new Map<string, AgreedView>()
  for (const [regionId, all] of views) {
    const byKind = Map.groupBy(
      all.filter(({ gatewayId }) => gatewayId !== except),
      ({ kind }) => kind,
    )
    for (const [kind, same] of byKind) {
      if (2 * same.length <= voters) continue
      const ageMs = Math.max(...same.map((view) => view.ageMs))
      agreed.set(regionId, { kind, gateways: same.length, ageMs })
    }
  }
  return agreed
}
