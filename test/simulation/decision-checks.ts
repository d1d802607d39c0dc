// Invariants 1, 2, 3, 9 and 12: what must be true of every decision, whatever led to it.

import type { CandidateRow } from '../../gateway/regions/candidate-row.ts'
import { bandMs, orderByCost } from '../../gateway/regions/cost.ts'
import type { Decision } from '../../gateway/regions/decide.ts'
import { DECISION_DEFAULTS } from '../../gateway/regions/decision-options.ts'
import { pickRegion, type RegionOffer, sharesOf } from '../../gateway/regions/waterfall.ts'
import type { DecisionRequest } from '../../gateway/regions/weigh.ts'
import type { RegionView } from '../../gateway/upstream/region-view.ts'
import type { Random } from './random.ts'
import type { Violations } from './violations.ts'

/** A decision with what the gateway knew, in the order of its regions. */
export interface Decided {
  readonly request: DecisionRequest
  readonly decision: Decision
  readonly views: readonly RegionView[]
  /** Tags of which a region needs one; `undefined` = it may be anywhere. */
  readonly residency: readonly string[] | undefined
}

const ROUNDING = 1e-9

/** Looks at one decision. */
export function checkDecision(decided: Decided, violations: Violations): void {
  const rows = decided.decision.rows()
  checkShares(rows, violations)
  if (decided.decision.mode === 'refused') return
  checkTarget(decided, decided.decision.regionId, violations)
  checkRepeat(decided, decided.decision.regionId, rows, violations)
  if (decided.decision.mode !== 'waterfall' || decided.decision.isTrial) return
  const { regionId } = decided.decision
  const chosen = rows.find(({ id }) => id === regionId)
  const isFirst = decided.request.tried.length === 0
  violations.check(1, !isFirst || (chosen?.share ?? 0) > 0, () => `${regionId} has no share`)
}

function checkShares(rows: readonly CandidateRow[], violations: Violations): void {
  const sum = rows.reduce((total, { share }) => total + share, 0)
  const isWhole = Math.abs(sum - 1) < ROUNDING || sum === 0
  violations.check(1, isWhole, () => `shares sum to ${sum}`)
  for (const { id, share, avail = 0, excludedBy } of rows) {
    violations.check(1, share >= 0, () => `${id} has the share ${share}`)
    const isOffered = excludedBy === undefined && avail > 0
    violations.check(1, share === 0 || isOffered, () => `${id} has a share, by ${excludedBy}`)
  }
  const front = rows.find(({ excludedBy, avail = 0 }) => excludedBy === undefined && avail > 0)
  if (front?.avail !== 1) return
  violations.check(1, front.share === 1, () => `${front.id} is free and has ${front.share}`)
}

/** Goes by the plan of the world and the last report, and by no code of the decision. */
function checkTarget(
  { request, views, residency }: Decided,
  regionId: string,
  violations: Violations,
): void {
  const view = views.find(({ region }) => region.id === regionId)
  const tags = view?.region.residencyTags ?? []
  const mayHold = residency === undefined || residency.some((tag) => tags.includes(tag))
  violations.check(2, mayHold, () => `${regionId} is outside ${residency}`)
  const hasModel = view?.report?.models[request.model] !== undefined
  violations.check(2, hasModel, () => `${regionId} has no ${request.model}`)
  const isOpen = view?.region.admin === 'active' && view.health.kind !== 'draining'
  violations.check(2, isOpen && !view.report?.draining, () => `${regionId} is drained`)
}

/** The same region twice: only when no other passes the filter, or it has lost a worker itself. */
function checkRepeat(
  { request }: Decided,
  regionId: string,
  rows: readonly CandidateRow[],
  violations: Violations,
): void {
  const before = request.tried.findLast((tried) => tried.regionId === regionId)
  if (before === undefined) return
  const others = rows.filter(({ id, excludedBy }) => id !== regionId && excludedBy === undefined)
  const mayRepeat = before.outcome === 'lost-worker' || others.length === 0
  violations.check(3, mayRepeat, () => `${regionId} again, beside ${others.map(({ id }) => id)}`)
}

/**
 * Changes one region for the better in each of the ways that a region can be better, and the shares
 * for the sake of keys that must stay.
 */
export function checkWhatIf(decided: Decided, random: Random, violations: Violations): void {
  const rows = decided.decision.rows()
  const offers = rows.map(offerOf)
  const subject = random.pick(rows)
  if (subject.excludedBy !== undefined) return
  const better = offers.map((offer) =>
    offer.regionId === subject.id
      ? { ...offer, availability: random.between(offer.availability, 1) }
      : offer,
  )
  const at = rows.indexOf(subject)
  const [before = 0, after = 0] = [sharesOf(offers)[at], sharesOf(better)[at]]
  violations.check(12, after >= before - ROUNDING, () => `${subject.id}: ${before} → ${after}`)
  checkKeys(offers, better, random, violations)
  checkNearer(decided, rows, subject, random, violations)
}

function offerOf({ id, excludedBy, avail = 0 }: CandidateRow): RegionOffer {
  return { regionId: id, availability: excludedBy === undefined ? avail : 0 }
}

/** A key may move only when a boundary between two shares has passed over it. */
function checkKeys(
  before: readonly RegionOffer[],
  after: readonly RegionOffer[],
  random: Random,
  violations: Violations,
): void {
  const [old, young] = [boundariesOf(before), boundariesOf(after)]
  for (let key = 0; key < 8; key += 1) {
    const x = random.next()
    const from = pickRegion(before, x)
    violations.check(9, pickRegion(before, x) === from, () => `${x} does not stay in ${from}`)
    const to = pickRegion(after, x)
    const isPassed = old.some((at, number) => isBetween(x, at, young[number] ?? at))
    violations.check(9, to === from || isPassed, () => `${x} moved from ${from} to ${to}`)
  }
}

function boundariesOf(offers: readonly RegionOffer[]): number[] {
  let upTo = 0
  return sharesOf(offers).map((share) => {
    upTo += share
    return upTo
  })
}

function isBetween(x: number, a: number, b: number): boolean {
  return x >= Math.min(a, b) - ROUNDING && x <= Math.max(a, b) + ROUNDING
}

/** A region that is nearer, or has a better tie score, is never further back in the order. */
function checkNearer(
  { request, views }: Decided,
  rows: readonly CandidateRow[],
  subject: CandidateRow,
  random: Random,
  violations: Violations,
): void {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const sites = views.map(({ region }) => region).filter(({ id }) => byId.has(id))
  const tieScores = (change: number) =>
    new Map(
      rows.map(({ id, tieScore }) => [
        id,
        { tieScore: id === subject.id ? tieScore - change : tieScore },
      ]),
    )
  const shareIn = (regions: typeof sites, change: number): number => {
    const options = { proximity: 'client', rttStaleMs: DECISION_DEFAULTS.reportStaleMs } as const
    const order = orderByCost(request.place, regions, tieScores(change), options)
    const offers = order.flatMap(({ regionId }) => byId.get(regionId) ?? []).map(offerOf)
    return sharesOf(offers)[offers.findIndex(({ regionId }) => regionId === subject.id)] ?? 0
  }
  const before = shareIn(sites, 0)
  const pull = random.between(0, 80)
  const nearer = sites.map((site) =>
    site.id === subject.id ? { ...site, bias: Math.min(90, site.bias + pull) } : site,
  )
  const [closer, quicker] = [shareIn(nearer, 0), shareIn(sites, random.between(0, 50))]
  const says = (after: number) => () =>
    `${subject.id}: ${before} → ${after}, band ${bandMs(request.place.accuracyRadiusKm, 'client')}`
  violations.check(12, closer >= before - ROUNDING, says(closer))
  violations.check(12, quicker >= before - ROUNDING, says(quicker))
}
