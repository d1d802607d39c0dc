// A region with its slots, its queue and whatever is wrong with it. It knows the truth; gateways
// know what it tells them, when it does.

import { type RegionFailure, regionFailure } from '#wire/error-codes.ts'
import type { LoadReport } from '#wire/load-report.ts'
import { reportOf } from '../support/decision-world.ts'
import type { FaultKind, RegionPlan } from './fault-plan.ts'
import type { Random } from './random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Work as a region has it. What it calls is still to travel to the gateway. */
export interface RegionWork {
  readonly model: string
  readonly serviceMs: number
  /** How long it may wait for a slot. */
  readonly queueLimitMs: number
  onAccepted(): void
  onStarted(): void
  /** The next piece of the answer, counted from 0. */
  onContent(piece: number): void
  onDone(): void
  onFailed(failure: RegionFailure): void
  /** The connection is gone. */
  onCut(): void
  /** Nothing more will come, and nobody says so. */
  onSilence(): void
}

/** Pieces of an answer; the last of them comes when it is done. */
export const PIECES = 4
const WORKER_LOST = 0.02
const CUT = 0.9
const PROBE_LOST = 0.5
const QUEUE = 'cpu'

interface Held {
  readonly work: RegionWork
  isStarted: boolean
  isOver: boolean
}

export class FaultyRegion {
  readonly plan: RegionPlan
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #held = new Set<Held>()
  readonly #waiting: Held[] = []
  readonly #faults: FaultKind[] = []
  #busy = 0
  #seq = 0
  #epoch = 1

  constructor(plan: RegionPlan, clock: VirtualClock, random: Random) {
    this.plan = plan
    this.#clock = clock
    this.#random = random
  }

  has(kind: FaultKind): boolean {
    return this.#faults.includes(kind)
  }

  get isTroubled(): boolean {
    return this.#faults.length > 0
  }

  get busy(): number {
    return this.#busy
  }

  beginFault(kind: FaultKind): void {
    this.#faults.push(kind)
    if (kind !== 'killed' && kind !== 'frozen') return
    for (const held of this.#held) {
      held.isOver = true
      if (kind === 'killed') held.work.onCut()
      else held.work.onSilence()
    }
    this.#held.clear()
    this.#waiting.length = 0
    this.#busy = 0
    this.#epoch += 1
    this.#seq = 0
  }

  endFault(kind: FaultKind): void {
    this.#faults.splice(this.#faults.indexOf(kind), 1)
  }

  /** What it answers to a probe; nothing at all when it is frozen or the probe is lost. */
  probe(): LoadReport | 'refused' | 'nothing' {
    if (this.has('frozen')) return 'nothing'
    if (this.has('killed')) return 'refused'
    if (this.has('deaf') && this.#random.chance(PROBE_LOST)) return 'nothing'
    this.#seq += 1
    const report = this.#report()
    return this.has('lies') ? this.#lie(report) : report
  }

  #report(): LoadReport {
    const { site, slots, queueLimit, models } = this.plan
    const queued = this.#waiting.length
    const queue = { slots, busy: this.#busy, queued, queueLimit }
    const load = { queue: QUEUE, digest: 'abc', loaded: true, serviceMeanMs: 1_000 }
    return reportOf({
      id: site.id,
      queue,
      report: {
        epoch: this.#epoch,
        seq: this.#seq,
        models: Object.fromEntries(models.map((name) => [name, load])),
        accepts: { interactive: !this.has('lane-lost'), durable: true },
        draining: this.has('drains'),
      },
    })
  }

  #lie(report: LoadReport): LoadReport {
    const queue = report.queues[QUEUE]
    if (queue === undefined) return report
    switch (this.#random.below(4)) {
      case 0:
        return { ...report, seq: report.seq - 1 - this.#random.below(3) }
      case 1:
        return { ...report, region: 'elsewhere' }
      case 2:
        return { ...report, queues: { [QUEUE]: { ...queue, busy: -queue.busy - 1 } } }
      default:
        return { ...report, queues: { [QUEUE]: { ...queue, slots: 100_000 } } }
    }
  }

  /** Work arrives. Returns a way to take it back, which does nothing when it is over. */
  receive(work: RegionWork): () => void {
    const held: Held = { work, isStarted: false, isOver: false }
    const refusal = this.#refusalOf(work)
    if (refusal === 'nothing') return () => undefined
    if (refusal === 'cut') work.onCut()
    else if (refusal !== undefined) work.onFailed(refusal)
    else this.#take(held)
    return () => this.#end(held)
  }

  #refusalOf({ model }: RegionWork): RegionFailure | 'cut' | 'nothing' | undefined {
    if (this.has('frozen')) return 'nothing'
    if (this.has('killed')) return 'cut'
    if (this.has('cuts') && this.#random.chance(CUT)) return 'cut'
    if (this.has('drains')) return regionFailure('draining')
    if (this.has('lane-lost')) return regionFailure('not-accepting')
    if (!this.plan.models.includes(model)) return regionFailure('model-missing')
    const isFull = this.#busy >= this.plan.slots && this.#waiting.length >= this.plan.queueLimit
    return isFull ? regionFailure('overflow') : undefined
  }

  #take(held: Held): void {
    this.#held.add(held)
    held.work.onAccepted()
    if (this.#busy < this.plan.slots) return this.#start(held)
    this.#waiting.push(held)
    this.#clock.after(held.work.queueLimitMs, () => {
      if (held.isStarted || held.isOver) return
      this.#end(held)
      held.work.onFailed(regionFailure('deadline', { workStarted: 'no' }))
    })
  }

  #start(held: Held): void {
    const { work } = held
    held.isStarted = true
    this.#busy += 1
    work.onStarted()
    const lostAt = this.#random.chance(WORKER_LOST) ? this.#random.below(PIECES) : undefined
    for (let piece = 0; piece < PIECES; piece += 1) {
      this.#clock.after((work.serviceMs * (piece + 1)) / PIECES, () => {
        if (held.isOver) return
        if (piece === lostAt) work.onFailed(regionFailure('worker-lost'))
        else work.onContent(piece)
        if (piece === PIECES - 1 && piece !== lostAt) work.onDone()
        if (piece === PIECES - 1 || piece === lostAt) this.#end(held)
      })
    }
  }

  #end(held: Held): void {
    if (held.isOver) return
    held.isOver = true
    this.#held.delete(held)
    if (!held.isStarted) {
      const at = this.#waiting.indexOf(held)
      if (at >= 0) this.#waiting.splice(at, 1)
      return
    }
    this.#busy -= 1
    const next = this.#waiting.shift()
    if (next !== undefined) this.#start(next)
  }
}
