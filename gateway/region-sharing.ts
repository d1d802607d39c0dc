// What this gateway thinks of the regions, told to the others through Redis, and what operators
// said to any of them. Without Redis a gateway is alone with what it knows, and serves all the
// same.

import type { GatewayConfig } from './config.ts'
import type { Log } from './observe/log.ts'
import type { RegionFleet } from './upstream/region-fleet.ts'
import { openSharedView, type SharedView } from './upstream/shared-view.ts'

/** How often views and the sign of life are told, in ms. */
const PUBLISH_EVERY_MS = 1_000

/**
 * Opens the shared view; `undefined` when no Redis is configured. Never fails for one that is away.
 */
export async function openSharing(
  { redis, gatewayId }: Pick<GatewayConfig, 'redis' | 'gatewayId'>,
  regionIds: readonly string[],
  log: Log,
): Promise<SharedView | undefined> {
  if (redis === undefined) return undefined
  return openSharedView({
    address: redis,
    gatewayId,
    regionIds,
    nowMs: () => performance.now(),
    wallClockMs: Date.now,
    onEvent: (event) => log[event.kind === 'up' ? 'info' : 'warn'](event, 'shared view'),
  })
}

/** Tells the others every second what is thought here, and follows what operators say anywhere. */
export function shareRegions(shared: SharedView, fleet: RegionFleet): () => void {
  const follow = (): void => {
    const drains = shared.drains()
    for (const { region, isDrained } of fleet.views()) {
      const wanted = drains.get(region.id)?.isDrained ?? false
      if (wanted !== isDrained) fleet.setDrained(region.id, wanted)
    }
  }
  const publish = (): void => {
    const views = fleet.views().map(({ region, health }) => ({
      regionId: region.id,
      kind: health.kind,
      sinceMs: health.sinceMs,
    }))
    void shared.publishViews(views)
  }
  follow()
  const unfollow = shared.onDrainsChange(follow)
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  // What nobody found out yet must not become what others begin with.
  void fleet.firstRound.then(() => {
    if (isClosed) return
    publish()
    timer = setInterval(publish, PUBLISH_EVERY_MS)
  })
  return () => {
    isClosed = true
    clearInterval(timer)
    unfollow()
  }
}
