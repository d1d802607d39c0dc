// pure

import { decodeFrame } from '#wire/frames.ts'
import { MEMBER_ID } from '#wire/subjects.ts'

/** Whose a frame is: `next` belongs to the answer, `foreign` to a rival that was cancelled. */
export type FramePlace = 'next' | 'foreign' | 'broken'

const FIRST_AFTER_STARTED = 2

/**
 * Knows which frame comes next in one answer.
 *
 * It can happen that a second worker starts the same work: the first froze between pulling and
 * acknowledging, and thawed. The first `started` wins and the rival is cancelled, but what it sent
 * until then comes in between, on the same inbox. Both count from 1 and leave no number out: each
 * frame fits one of two counts. Where both counts stand at the same number nobody can say whose the
 * frame is. That ends the answer, unless no content has gone out yet: then the frame may be of
 * either, and the first repeated number shows if it was the wrong one.
 */
export class FrameOrder {
  #next = 1
  #rivalNext: number | undefined
  #hadRival = false

  /** The number that the next frame of the answer must have. */
  get next(): number {
    return this.#next
  }

  take(sequence: number): FramePlace {
    if (sequence === this.#rivalNext) {
      if (sequence !== this.#next) {
        this.#rivalNext += 1
        return 'foreign'
      }
      if (sequence > FIRST_AFTER_STARTED) return 'broken'
      this.#rivalNext = undefined
    }
    if (sequence !== this.#next) return 'broken'
    this.#next += 1
    return 'next'
  }

  /** Counts a second worker in. False for a third: only two counts can be kept apart. */
  admitRival(): boolean {
    if (this.#hadRival) return false
    this.#hadRival = true
    this.#rivalNext = FIRST_AFTER_STARTED
    return true
  }
}

/**
 * Reads the worker's name from a `started` frame; `undefined` for any other frame, and for a name
 * that could not stand in a subject.
 */
export function workerOfStarted(message: Uint8Array): string | undefined {
  const frame = decodeFrame(message)
  if (frame?.type !== 'started') return undefined
  try {
    const value = JSON.parse(frame.payload.toString()) as { worker?: unknown } | null
    const worker = value?.worker
    return typeof worker === 'string' && MEMBER_ID.test(worker) ? worker : undefined
  } catch {
    return undefined
  }
}
