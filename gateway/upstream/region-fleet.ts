import type { WorkHead } from '#wire/region-api.ts'
import type { Region } from '../regions/region.ts'
import type { Attempt, AttemptEvents, PhaseLimits } from './attempt.ts'
import { type HealthLimits, type HealthState, isInRotation } from './health-states.ts'
import type { PriorView } from './next-health.ts'
import type { ProbeLimits } from './probe-plan.ts'
import { startProbes } from './probes.ts'
import { RegionClient } from './region-client.ts'
import type { RegionView, ViewFacts } from './region-view.ts'

export interface FleetOptions {
  readonly regions: readonly Region[]
  /** PEM texts of our identity, and of the authority that the regions' must come from. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly trustDomain: string
  readonly connectionsMax: number
  readonly phaseLimits: PhaseLimits
  readonly healthLimits: HealthLimits
  readonly probeLimits: ProbeLimits
  readonly nowMs: () => number
  readonly random: () => number
  /** What the gateways thought of a region a moment ago, where they share their views. */
  readonly priorOf?: (regionId: string) => PriorView | undefined
  /**
   * A region's state is another now. One that was `healthy` and is `suspect` or `ejected` has left
   * on evidence of broken infrastructure, and on nothing else.
   */
  readonly onHealthChange: (view: RegionView, from: HealthState['kind']) => void
}

/** All regions as this gateway reaches and sees them. */
export interface RegionFleet {
  views(): readonly RegionView[]
  viewOf(regionId: string): RegionView | undefined
  /**
   * What a decision needs of each region, in the order of the list. One region's facts are the same
   * object as long as nothing in them changes, so that what is worked out from them can be kept.
   */
  facts(): readonly ViewFacts[]
  inRotation(): { readonly id: string; readonly isIn: boolean }[]
  /**
   * Sends work to an endpoint of a region that is in the list. Ends by itself, never throws. What
   * it says of the region is taken in before its outcome is heard of; in a region that is `probing`
   * it is one of the trial requests.
   */
  startAttempt(regionId: string, head: WorkHead, body: string, events: AttemptEvents): Attempt
  /**
   * An operator tells a region to finish, or to begin again; a region that is not there does not.
   */
  setDrained(regionId: string, isDrained: boolean): void
  /** Resolves when each region has been asked once, whatever came of it. */
  readonly firstRound: Promise<void>
  close(): Promise<void>
}

/** Opens the connections to all regions and starts to ask them how they are. */
export function startFleet(options: FleetOptions): RegionFleet {
  const clients = new Map(options.regions.map((region) => [region.id, clientsOf(region, options)]))
  const { watches, watchOf, firstRound, close } = startProbes({
    ...options,
    plan: options.probeLimits,
    limits: options.healthLimits,
    clientsOf: (region) => clients.get(region.id) ?? [],
  })
  const views = (): RegionView[] => watches.map((watch) => watch.view)
  return {
    views,
    viewOf: (regionId) => watchOf(regionId)?.view,
    facts: () => watches.map((watch) => watch.facts),
    inRotation: () =>
      views().map(({ region, health }) => ({ id: region.id, isIn: isInRotation(health) })),
    startAttempt: (regionId, head, body, events) => {
      const watch = watchOf(regionId)
      if (watch === undefined) throw new Error(`no region ${regionId}`)
      return watch.attempt((endpoint, watched) => {
        const client = clients.get(regionId)?.[endpoint]
        if (client === undefined) throw new Error(`no ingress of region ${regionId}`)
        return client.attempt(head, body, watched)
      }, events)
    },
    setDrained: (regionId, isDrained) => watchOf(regionId)?.setDrained(isDrained),
    firstRound,
    close: async () => {
      // Probes wait for their last answer: without connections it comes at once.
      const closing = [...clients.values()].flat().map((client) => client.close())
      await Promise.all([...closing, close()])
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
