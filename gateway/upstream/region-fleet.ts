import type { WorkHead } from '#wire/region-api.ts'
import type { Region } from '../regions/region.ts'
import type { Attempt, AttemptEvents, PhaseLimits } from './attempt.ts'
import { type HealthLimits, type HealthState, isInRotation } from './health-states.ts'
import { startProbes } from './probes.ts'
import { RegionClient } from './region-client.ts'
import type { RegionView } from './region-view.ts'

export interface FleetOptions {
  readonly regions: readonly Region[]
  /** PEM texts of our identity, and of the authority that the regions' must come from. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly trustDomain: string
  readonly connectionsMax: number
  readonly phaseLimits: PhaseLimits
  readonly healthLimits: HealthLimits
  readonly probeEveryMs: number
  readonly probeTimeoutMs: number
  readonly nowMs: () => number
  readonly random: () => number
  readonly onHealthChange: (view: RegionView, from: HealthState['kind']) => void
}

/** All regions as this gateway reaches and sees them. */
export interface RegionFleet {
  views(): readonly RegionView[]
  viewOf(regionId: string): RegionView | undefined
  inRotation(): { readonly id: string; readonly isIn: boolean }[]
  /** Sends work to an ingress of a region that is in the list. Ends by itself, never throws. */
  startAttempt(regionId: string, head: WorkHead, body: string, events: AttemptEvents): Attempt
  /** Resolves when each region has been asked once, whatever came of it. */
  readonly firstRound: Promise<void>
  close(): Promise<void>
}

/** Opens the connections to all regions and starts to ask them how they are. */
export function startFleet(options: FleetOptions): RegionFleet {
  const clients = new Map(options.regions.map((region) => [region.id, clientsOf(region, options)]))
  const probes = startProbes({
    regions: options.regions,
    clientsOf: (region) => clients.get(region.id) ?? [],
    everyMs: options.probeEveryMs,
    timeoutMs: options.probeTimeoutMs,
    limits: options.healthLimits,
    nowMs: options.nowMs,
    random: options.random,
    onHealthChange: options.onHealthChange,
  })
  let turn = 0
  return {
    views: probes.views,
    viewOf: probes.viewOf,
    inRotation: () =>
      probes.views().map(({ region, health }) => ({ id: region.id, isIn: isInRotation(health) })),
    startAttempt: (regionId, head, body, events) => {
      const ingresses = clients.get(regionId) ?? []
      turn += 1
      const client = ingresses[turn % ingresses.length]
      if (client === undefined) throw new Error(`no ingress of region ${regionId}`)
      return client.attempt(head, body, events)
    },
    firstRound: probes.firstRound,
    close: async () => {
      // Probes wait for their last answer: without connections it comes at once.
      const closing = [...clients.values()].flat().map((client) => client.close())
      await Promise.all([...closing, probes.close()])
    },
  }
}

function clientsOf(region: Region, options: FleetOptions): RegionClient[] {
  return region.ingress.map(
    (origin) =>
      new RegionClient({
        regionId: region.id,
        origin,
        tls: options.tls,
        trustDomain: options.trustDomain,
        connectionsMax: options.connectionsMax,
        phaseLimits: options.phaseLimits,
      }),
  )
}
