// pure

import type { LoadReport, QueueLoad } from '#wire/load-report.ts'

/** What is made of a report: only an `accepted` one may change anything. */
export type ReportVerdict = 'accepted' | 'other-region' | 'not-newer' | 'out-of-bounds'

/** So many ingresses of one region are remembered, the last heard ones. */
const INGRESSES_MAX = 64

/**
 * Lets the reports of one region through that are its own, possible, and newer than the last of the
 * same ingress: an answer that was delayed or replayed must not turn the time back.
 */
export class ReportGate {
  readonly #regionId: string
  readonly #lastOf = new Map<string, { readonly epoch: number; readonly seq: number }>()

  constructor(regionId: string) {
    this.#regionId = regionId
  }

  /** Judges a report, and remembers it when it is accepted. A refused one leaves no trace. */
  judge(report: LoadReport): ReportVerdict {
    const { region, ingress, epoch, seq, queues } = report
    if (region !== this.#regionId) return 'other-region'
    const last = this.#lastOf.get(ingress)
    if (last !== undefined && !isNewer(report, last)) return 'not-newer'
    if (!Object.values(queues).every(isPossible)) return 'out-of-bounds'
    this.#lastOf.delete(ingress) // Set anew, so that the map is in the order of hearing.
    this.#lastOf.set(ingress, { epoch, seq })
    if (this.#lastOf.size > INGRESSES_MAX) this.#forgetOldest()
    return 'accepted'
  }

  #forgetOldest(): void {
    for (const ingress of this.#lastOf.keys()) {
      this.#lastOf.delete(ingress)
      return
    }
  }
}

function isNewer(
  report: Pick<LoadReport, 'epoch' | 'seq'>,
  last: Pick<LoadReport, 'epoch' | 'seq'>,
): boolean {
  return report.epoch === last.epoch ? report.seq > last.seq : report.epoch > last.epoch
}

/** Things are counted in whole numbers, and there are no more healthy workers than workers. */
function isPossible({ slots, busy, queued, queueLimit, workers }: QueueLoad): boolean {
  const counts = [slots, busy, queued, queueLimit, workers.healthy, workers.total]
  return counts.every((n) => Number.isInteger(n) && n >= 0) && workers.healthy <= workers.total
}
