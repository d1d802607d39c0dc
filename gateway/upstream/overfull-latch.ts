// pure

/** Whether a queue of a region is full as far as this gateway is concerned. */
export type OverfullLatch =
  | { readonly kind: 'open' }
  /** Counts the reports in a row that were calm. */
  | { readonly kind: 'overfull'; readonly calmReports: number }

export type OverfullEvent =
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'reported'
      readonly slots: number
      readonly busy: number
      readonly queued: number
      readonly queueLimit: number
    }

export const OPEN_LATCH: OverfullLatch = { kind: 'open' }

/** A queue that is filled to this part will refuse before the next report comes. */
const FULL_QUEUE_SHARE = 0.8
const CALM_REPORTS_MIN = 2
const OVERFULL: OverfullLatch = { kind: 'overfull', calmReports: 0 }

/**
 * Follows one event: a refusal or a nearly full queue latches, and only two calm reports in a row
 * let go. One threshold for both would send a load that two regions cannot quite bear to and fro.
 * `release` is the utilisation, the queue included, up to which a report is calm.
 */
export function nextOverfull(
  state: OverfullLatch,
  event: OverfullEvent,
  release: number,
): OverfullLatch {
  if (event.kind === 'refused') return OVERFULL
  const { slots, busy, queued, queueLimit } = event
  if (queueLimit > 0 && queued >= FULL_QUEUE_SHARE * queueLimit) return OVERFULL
  if (state.kind === 'open') return state
  if (busy + queued > release * slots || slots === 0) return OVERFULL
  const calmReports = state.calmReports + 1
  return calmReports >= CALM_REPORTS_MIN ? OPEN_LATCH : { kind: 'overfull', calmReports }
}
