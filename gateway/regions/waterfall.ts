// pure

/** A region and how much of all new work it can take: 0 is none, 1 is all. */
export interface RegionOffer {
  readonly regionId: string
  readonly availability: number
}

/**
 * Picks a region so that the cheapest keeps what it can serve and only the rest moves on.
 *
 * `offers` are cheapest first. `x` in [0, 1) is random, or the hash of an affinity key, which keeps
 * its region while the shares stand still. Returns `undefined` when nothing is available:
 * saturation or panic is for the caller to say.
 * Source: Envoy's arithmetic for priority levels; test vectors in routing.md.
 */
export function pickRegion(offers: readonly RegionOffer[], x: number): string | undefined {
  const scale = scaleOf(offers)
  let left = 1
  let upTo = 0
  let last: string | undefined
  for (const { regionId, availability } of offers) {
    if (availability === 0) continue // Also keeps 0 / 0 out when the total is 0.
    const share = Math.min(left, availability / scale)
    left -= share
    upTo += share
    if (x < upTo) return regionId
    if (share > 0) last = regionId
  }
  return last // Rounding may leave `upTo` a hair below 1: the last share takes the remainder.
}

/**
 * The share of new work that each offer is given, in the order of the offers: what `pickRegion`
 * does with very many `x`. They sum to 1, or are all 0 when nothing is available.
 */
export function sharesOf(offers: readonly RegionOffer[]): number[] {
  const scale = scaleOf(offers)
  let left = 1
  return offers.map(({ availability }) => {
    if (availability === 0) return 0
    const share = Math.min(left, availability / scale)
    left -= share
    return share
  })
}

/** Availability that does not suffice for all work is stretched until it does. */
function scaleOf(offers: readonly RegionOffer[]): number {
  let total = 0
  for (const { availability } of offers) total += availability
  return Math.min(1, total)
}
