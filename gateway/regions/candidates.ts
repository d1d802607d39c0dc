// pure

import type { LoadReport } from '#wire/load-report.ts'
import { canonicalModel } from './model-name.ts'
import type { Region } from './region.ts'

/** What is known of a region that decides whether a request may go there at all. */
export interface Candidate {
  readonly region: Region
  /** The gateway's word for its health, for people to read. */
  readonly state: string
  /** Of the last good probe; `undefined` when there was none. */
  readonly report: LoadReport | undefined
  readonly isInRotation: boolean
  readonly speaksOurWire: boolean
  /** Canonical names of what the region serves. */
  readonly models: ReadonlyMap<string, string>
  /** Mean round trip from this gateway, in ms; `undefined` before the first good probe. */
  readonly rttMs: number | undefined
  /** Age of the newest round trip, in ms; Infinity before the first one. */
  readonly rttAgeMs: number
}

/** The rule that keeps a region out of one request. */
export type Exclusion = 'admin' | 'draining' | 'model' | 'version' | 'lane' | 'state' | 'tried'

/**
 * Why a request cannot go to a region, by the first rule that says so; `undefined` when it can.
 * Without a `model` the rule about models is left out.
 */
export function exclusionOf(
  candidate: Candidate,
  model: string | undefined,
  tried: readonly string[],
): Exclusion | undefined {
  const { region, report, isInRotation, speaksOurWire, models } = candidate
  if (region.admin !== 'active') return 'admin'
  if (report?.draining) return 'draining'
  if (model !== undefined && !models.has(canonicalModel(model))) return 'model'
  if (!speaksOurWire) return 'version'
  if (!report?.accepts.interactive) return 'lane'
  if (!isInRotation) return 'state'
  if (tried.includes(region.id)) return 'tried'
  return undefined
}

/** Whether any region serves the model or did when it was last heard of. */
export function isKnownModel(
  candidates: readonly Pick<Candidate, 'models'>[],
  model: string,
): boolean {
  const canonical = canonicalModel(model)
  return candidates.some(({ models }) => models.has(canonical))
}
