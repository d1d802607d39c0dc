// pure
// What requests say of a region, where probes may see nothing: when it is enough to take the region
// out of rotation, and for how long.

import type { Evidence } from './evidence.ts'

export interface EjectionLimits {
  /** So many infrastructure failures in a row are enough … */
  readonly ejectConsecutive: number
  /** … and so is this part of at least so many attempts in the window. */
  readonly ejectRatio: number
  readonly ejectVolume: number
  readonly ejectWindowMs: number
  /** The first ejection's time, added to with each further one up to the most. */
  readonly ejectBaseMs: number
  readonly ejectMaxMs: number
  /** So long a time in good health takes one ejection off the count. */
  readonly ejectForgetMs: number
}

/** What the newest attempts at a region came to. */
export interface PassiveEvidence {
  /** Infrastructure failures in a row. */
  readonly failures: number
  /** Of these the newest in a row that were about a connection. */
  readonly connectionFailures: number
  readonly buckets: readonly Bucket[]
}

/** A tenth of the window. */
interface Bucket {
  readonly number: number
  readonly attempts: number
  readonly failures: number
}

const BUCKETS = 10
/** Ejections of several regions, or at several gateways, shall not end at the same time: ± 20 %. */
const SPREAD = 0.4

/** Of a region that nothing was sent to yet. */
export const NO_EVIDENCE: PassiveEvidence = Object.freeze({
  failures: 0,
  connectionFailures: 0,
  buckets: [],
})

/** Counts an attempt. Whatever a region says itself shows that it can be reached. */
export function afterAttempt(
  before: PassiveEvidence,
  evidence: Evidence,
  nowMs: number,
  { ejectWindowMs }: EjectionLimits,
): PassiveEvidence {
  const isFailure = isInfrastructure(evidence)
  const number = bucketAt(nowMs, ejectWindowMs)
  return {
    failures: isFailure ? before.failures + 1 : 0,
    connectionFailures: evidence === 'connection' ? before.connectionFailures + 1 : 0,
    buckets: withAttempt(before.buckets, number, isFailure ? 1 : 0),
  }
}

/** Whether an attempt counts against the region. Source: routing.md, section 13. */
export function isInfrastructure(evidence: Evidence | undefined): boolean {
  return evidence === 'connection' || evidence === 'infrastructure'
}

/** Whether the failures are enough to take a region out of rotation. */
export function isEnoughToEject(
  { failures, buckets }: PassiveEvidence,
  nowMs: number,
  limits: EjectionLimits,
): boolean {
  if (failures >= limits.ejectConsecutive) return true
  const oldest = bucketAt(nowMs, limits.ejectWindowMs) - BUCKETS
  let [attempts, failed] = [0, 0]
  for (const bucket of buckets) {
    if (bucket.number <= oldest) continue
    attempts += bucket.attempts
    failed += bucket.failures
  }
  return attempts >= limits.ejectVolume && failed >= attempts * limits.ejectRatio
}

/** How often a region was ejected, less what good health has made forgotten. */
export interface Ejections {
  readonly count: number
  /** Time in good health that has not yet taken one off. */
  readonly healthyMs: number
}

/** Of a region that was never ejected. */
export const NO_EJECTIONS: Ejections = Object.freeze({ count: 0, healthyMs: 0 })

/** Counts an ejection. Those that could not make the time longer are not counted. */
export function afterEjection(before: Ejections, limits: EjectionLimits): Ejections {
  const countMax = Math.ceil(limits.ejectMaxMs / limits.ejectBaseMs)
  return { count: Math.min(countMax, before.count + 1), healthyMs: 0 }
}

/** Counts a time in good health that has ended. */
export function afterHealthyTime(
  { count, healthyMs }: Ejections,
  forMs: number,
  { ejectForgetMs }: EjectionLimits,
): Ejections {
  if (count === 0) return NO_EJECTIONS
  const totalMs = healthyMs + forMs
  const forgotten = Math.floor(totalMs / ejectForgetMs)
  return { count: Math.max(0, count - forgotten), healthyMs: totalMs % ejectForgetMs }
}

/** How long the newest of the ejections lasts, in ms; `chance` in [0, 1) spreads it. */
export function ejectionMs(
  { count }: Ejections,
  chance: number,
  { ejectBaseMs, ejectMaxMs }: EjectionLimits,
): number {
  return Math.min(ejectMaxMs, ejectBaseMs * count * (1 + SPREAD * (chance - 0.5)))
}

function bucketAt(nowMs: number, windowMs: number): number {
  return Math.floor(nowMs / (windowMs / BUCKETS))
}

function withAttempt(buckets: readonly Bucket[], number: number, failures: number): Bucket[] {
  const kept = buckets.filter((bucket) => bucket.number > number - BUCKETS)
  const last = kept.at(-1)
  if (last?.number !== number) kept.push({ number, attempts: 1, failures })
  else
    kept.splice(-1, 1, { number, attempts: last.attempts + 1, failures: last.failures + failures })
  return kept
}
